import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/** Ends by itself with the process that started it. */
const SPIN = `while kill -0 ${process.pid} 2>/dev/null; do i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; done`

/**
 * Keep all cores from falling asleep until it is disposed of, by work that gives way to any other (`SCHED_IDLE`, see
 * sched(7)). Undefined where the system has no `chrt` for that.
 *
 * A core that is asleep may take longer to wake than a server on the same machine takes to answer: whoever asks one
 * thing after another measures that. A machine with work to do has no core asleep.
 */
export async function keepAwake(): Promise<Disposable | undefined> {
  const spinning = Array.from({ length: availableParallelism() }, () =>
    spawn('chrt', ['--idle', '0', 'sh', '-c', SPIN], { stdio: 'ignore' }),
  )
  const stop = (): void => {
    for (const child of spinning) child.kill('SIGKILL')
  }
  const begun = await Promise.all(spinning.map(hasBegun))
  if (begun.every(Boolean)) return { [Symbol.dispose]: stop }
  stop()
  return undefined
}

async function hasBegun(child: ChildProcess): Promise<boolean> {
  try {
    await once(child, 'spawn')
  } catch {
    return false
  }
  // A machine that has the program may still not allow it.
  await sleep(100)
  return child.exitCode === null
}
