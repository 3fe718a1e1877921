import type { WriteStream } from 'node:tty'

const WIDTH = 30

/** A bar on a terminal, redrawn at most ten times a second; nothing elsewhere. */
export function progressBar(
  total: number,
  to: Pick<WriteStream, 'isTTY' | 'write'>,
): { tick(what: string): void; end(): void } {
  if (!to.isTTY) return { tick() {}, end() {} }
  let done = 0
  let drawn = 0
  return {
    tick(what) {
      done += 1
      const now = performance.now()
      if (now - drawn < 100 && done < total) return
      drawn = now
      const full = Math.round((done / total) * WIDTH)
      to.write(`\r\u001b[2K${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${done}/${total} ${what}`)
    },
    end: () => void to.write('\r\u001b[2K'),
  }
}
