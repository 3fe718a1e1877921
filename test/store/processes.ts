import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import type { storeApprovals } from '@gatewright/runtime'
import type { Job } from './worker.ts'

/** A process at work, which begins when it is told to. */
export interface Process {
  readonly child: ChildProcess
  /** The next line that it prints. */
  line(): Promise<string>
  begin(): void
}

/** Start a process that opens a store; resolves once it has. */
export async function startProcess(job: Job): Promise<Process> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@gatewright/source',
      '--no-warnings',
      join(import.meta.dirname, 'worker.ts'),
      JSON.stringify(job),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`The process ended early, with ${child.exitCode ?? child.signalCode}.`)
    return value
  }
  const ready = await line()
  if (ready !== 'ready') throw new Error(`Expected the process to be ready; it said ${ready}.`)
  return { child, line, begin: () => void child.stdin.write('begin\n') }
}

/** How many of its tries each of several processes got through, all at once. */
export async function race(jobs: readonly Job[]): Promise<number[]> {
  const processes = await Promise.all(jobs.map(startProcess))
  for (const one of processes) one.begin()
  return Promise.all(processes.map(async ({ line }) => Number((await line()).replace('got ', ''))))
}

type ApprovalRecord = Parameters<ReturnType<typeof storeApprovals>['add']>[0]

/** A request for an approval that is open. */
export function approvalOf(id: string): ApprovalRecord {
  const asked = new Date()
  const request = {
    id,
    asked,
    expires: new Date(asked.getTime() + 600_000),
    digest: `digest-${id}`,
    tool: 'issueRefund',
    destination: undefined,
    input: {},
    labels: {},
    run: `run-${id}`,
    tenant: undefined,
    subject: 'user:bob',
    agent: 'agent:support@2',
    approvers: undefined,
    contractDigest: 'c',
    policyVersion: 'p',
    facts: { what: '', toWhom: [], sources: [], reasons: [] },
  }
  return { request, key: `call-${id}`, turn: undefined, answer: undefined }
}
