import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Leak } from './leak-worker.ts'

const RUNS = 10_000

test('10,000 runs, some of them halted or left by their users in the middle of a call, leave nothing behind', async () => {
  const flags = ['--expose-gc', '--conditions=@gatewright/source', '--no-warnings']
  const worker = join(import.meta.dirname, 'leak-worker.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, worker, String(RUNS)])
  const { ended, bytesPerRun, ...left } = JSON.parse(stdout) as Leak
  expect(ended).toEqual({
    'plain: ok': 6250,
    'halted: ERR_HALTED': 1250,
    'tool halted: ERR_HALTED': 1250,
    'aborted: left': 1250,
  })
  expect(left).toEqual({ listeners: 0, timers: 0, inFlight: 0 })
  // A record of a run, or of a call, would be kilobytes.
  expect(bytesPerRun).toBeLessThan(300)
}, 120_000)
