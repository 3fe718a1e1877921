import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ContractsAudit } from '@gatewright/runtime/testing'
import { type Said, said, saidTo } from '../fixtures/said.ts'

const bin = join(import.meta.dirname, 'bin.ts')
const fixture = (name: string): string => join(import.meta.dirname, '..', 'fixtures', `${name}.ts`)

const gatewright = (...args: string[]): Promise<Said> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@gatewright/source', bin, ...args], (failed, out, error) =>
      resolve({ code: failed === null ? 0 : Number(failed.code), out, error }),
    )
  })

describe('audit-contracts, run as a user runs it', () => {
  test('careless contracts: the holes, the lines that close them, and exit code 1', async () => {
    const { code, out, error } = await gatewright('audit-contracts', fixture('careless'))
    expect(error).toBe('')
    expect(code).toBe(1)
    // Not a terminal: no escape sequences.
    expect(out).not.toContain('\u001b')
    expect(out).toMatch(/orderId {3}id order {2}the user {2}an id of five characters or more/)
    expect(out).toMatch(/anyone {4}any order id that came back in lookupOrder\.id/)
    expect(out).toContain("· orderId: id('order')  // anyone may choose among the ids")
    expect(out).toContain('! to: email()  // by its name it decides something')
    expect(out).toContain('! notes: authored()  // ')
    expect(out).toContain('error: contracts.sendEmail: expected')
    expect(out).toContain('4 tools, 2 errors, 1 warning, 3 doubts: the contracts would be refused')
  })

  test('careful contracts: who can reach what, no doubt, and exit code 0', async () => {
    const { code, out } = await gatewright('audit-contracts', fixture('careful'))
    expect(code).toBe(0)
    expect(out).toMatch(/to {8}email {4}the user {2}an address that they wrote/)
    expect(out).toMatch(/amount {4}money {5}the user {2}an amount that they wrote/)
    expect(out).toContain('total (chosen by whom customer names) of the one order')
    expect(out).toContain("any words, to whomever 'to' names")
    expect(out).toContain('0 errors, 0 warnings, 0 doubts: the contracts can be used')
  })

  test('--json prints one object with the same exit code', async () => {
    const { code, out } = await gatewright('audit-contracts', fixture('careless'), '--json')
    expect(code).toBe(1)
    const audit = JSON.parse(out) as ContractsAudit & { file: string }
    expect(audit).toMatchObject({ file: fixture('careless'), ok: false })
    expect(audit.tools.map(({ tool }) => tool)).toEqual([
      'searchDocs',
      'lookupOrder',
      'issueRefund',
      'sendEmail',
    ])
  })
})

describe('what the person at the terminal can put right is one sentence, and exit code 2', () => {
  let folder = ''
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'gatewright-cli-'))))
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const module = async (name: string, code: string): Promise<string> => {
    const file = join(folder, name)
    await writeFile(file, code)
    return file
  }

  test('a file that is not there', async () => {
    expect(await said('audit-contracts', 'no-such-file.ts')).toEqual({
      code: 2,
      out: '',
      error: "gatewright: there is no file 'no-such-file.ts'.\n",
    })
  })

  test.for<[name: string, code: string, sentence: string]>([
    [
      'nothing.mjs',
      'export {}',
      "must export 'tools' and 'contracts', by name or in a default export; it exports nothing.",
    ],
    ['half.mjs', 'export const tools = {}', 'it exports tools.'],
    ['throws.mjs', "throw new Error('no database\\nat all')", 'cannot be loaded: no database.'],
    [
      'not-tools.mjs',
      'export default { tools: { a: 1 }, contracts: {} }',
      'exports tools.a, which is not an AI SDK tool',
    ],
    [
      'trusted.mjs',
      "export default { tools: {}, contracts: {}, trusted: 'operator:shop' }",
      "exports 'trusted', which must be a list of principals",
    ],
  ])('%s', async ([name, code, sentence]) => {
    const { code: exit, out, error } = await said('audit-contracts', await module(name, code))
    expect(error).toContain(sentence)
    expect(error.trim().split('\n')).toHaveLength(1)
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
  })

  test('no file, an unknown option, an unknown command', async () => {
    expect(await said('audit-contracts')).toMatchObject({
      code: 2,
      error: "gatewright: missing required argument 'file'\n",
    })
    expect(await said('audit-contracts', 'x.ts', '--jsn')).toMatchObject({ code: 2 })
    expect(await said('audit')).toMatchObject({ code: 2 })
    expect(await said()).toMatchObject({ code: 2 })
  })

  test('help is no error, and names the exit codes', async () => {
    const { code, out } = await said('audit-contracts', '--help')
    expect(code).toBe(0)
    expect(out).toContain('Exit codes: 0 the contracts can be used; 1 one would be refused')
  })
})

test('colours are for a terminal, and change no word', async () => {
  const print = async (isColoured: boolean): Promise<string> => {
    const { out, error } = await saidTo({ isColoured }, ['audit-contracts', fixture('careless')])
    return out + error
  }
  const coloured = await print(true)
  expect(coloured).toContain('\u001b[33manyone\u001b[39m')
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
  expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(await print(false))
})
