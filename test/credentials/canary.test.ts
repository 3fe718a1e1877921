import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** `CANARY` as it is, in hexadecimal, and in base64 wherever it stands in what was encoded. */
const TRACES = [
  'CANARY',
  Buffer.from('CANARY').toString('hex'),
  ...[0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from('CANARY')]).toString('base64')
    return encoded.slice(before === 0 ? 0 : before + 1, Math.floor(((before + 6) * 8) / 6))
  }),
]

test('no token, key or word of an issuer is in anything that a process says, writes down or crashes with', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatewright-canary-'))
  try {
    const worker = join(import.meta.dirname, 'canary-worker.ts')
    const child = spawn(process.execPath, [
      '--conditions=@gatewright/source',
      '--no-warnings',
      worker,
      folder,
    ])
    const said = { out: '', error: '' }
    child.stdout.on('data', (text) => (said.out += String(text)))
    child.stderr.on('data', (text) => (said.error += String(text)))
    const [code] = (await once(child, 'close')) as [number]

    // The tokens and the key were used, and the process got to its crash.
    expect([code, said.error.includes('Error: crash')]).toEqual([1, true])
    expect(/flowed (\d+)/.exec(said.out)?.[1]).toBe('5')
    expect(['refused with a link', '[secret]'].filter((text) => !said.out.includes(text))).toEqual([])

    const written = await Promise.all(
      (await readdir(folder)).map(
        async (name) => [name, await readFile(join(folder, name), 'latin1')] as const,
      ),
    )
    expect(written.map(([name]) => name)).toEqual(expect.arrayContaining(['audit.jsonl', 'state.db']))
    for (const [where, text] of [...written, ['stdout', said.out], ['stderr', said.error]] as const)
      for (const trace of TRACES) {
        const at = text.indexOf(trace)
        expect(at < 0 ? 'nothing' : text.slice(Math.max(0, at - 200), at + 40), `${trace} in ${where}`).toBe(
          'nothing',
        )
      }
    // What was looked through is what was written, not nothing.
    expect(Object.fromEntries(written)['audit.jsonl']).toContain('"type":"credential"')
    expect(said.out.length).toBeGreaterThan(100_000)
  } finally {
    await rm(folder, { recursive: true })
  }
})
