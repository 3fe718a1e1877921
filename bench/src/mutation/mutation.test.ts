import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judge, type Judged } from './judge.ts'
import { applyMutant, type Mutant } from './mutant.ts'
import { MUTANTS } from './mutants.ts'
import { reportOf, reportText } from './report.ts'
import { readReport } from './run-tests.ts'
import { copyTree, type Tree } from './tree.ts'

const PACKAGES = fileURLToPath(new URL('../../../node_modules/', import.meta.url))
const { signal } = new AbortController()
const seconds = 60_000

const FILES: Readonly<Record<string, string>> = {
  '.gitignore': 'node_modules\n',
  'package.json': '{ "type": "module" }',
  'lock.ts': 'export const opens = (key: string): boolean => key === "right"\nexport const spare = 1\n',
  // Through the link of a workspace, as the packages import each other.
  'lock.test.ts':
    'import { expect, test } from "vitest"\nimport { opens } from "@here/top/lock.ts"\ntest("a wrong key opens nothing", () => expect(opens("wrong")).toBe(false))\n',
}

const MUTANT: Mutant = {
  name: 'any-key',
  drops: 'the look at the key',
  file: 'lock.ts',
  find: 'key === "right"',
  replace: 'key !== ""',
  tests: ['lock.test.ts'],
}

let original: string
let tree: Tree

beforeAll(async () => {
  original = await realpath(await mkdtemp(join(tmpdir(), 'gatewright-mutated-')))
  for (const [file, text] of Object.entries(FILES)) await writeFile(join(original, file), text)
  await mkdir(join(original, 'node_modules/@here'), { recursive: true })
  await symlink(join(PACKAGES, 'vitest'), join(original, 'node_modules/vitest'))
  await symlink('../..', join(original, 'node_modules/@here/top'))
  execFileSync('git', ['init', '-q'], { cwd: original })
  tree = await copyTree(original)
}, seconds)

afterAll(async () => {
  await tree[Symbol.asyncDispose]()
  await rm(original, { recursive: true, force: true })
})

async function judged(change: Partial<Mutant>): Promise<Judged> {
  return await judge(tree, { ...MUTANT, ...change }, { wider: [], now: () => 0, signal })
}

describe('a mutant', () => {
  test(
    'is killed by the test that holds its check, in the copy and not in the tree itself',
    async () => {
      expect(await judged({})).toMatchObject({
        verdict: 'killed',
        by: 'lock.test.ts',
        test: 'a wrong key opens nothing',
      })
      expect(await tree.read('lock.ts')).toBe(FILES['lock.ts'])
    },
    seconds,
  )

  test(
    'that no test notices has survived, and the report fails',
    async () => {
      const survivor = await judged({ find: 'spare = 1', replace: 'spare = 2' })
      expect(survivor.verdict).toBe('SURVIVED')
      const report = reportOf([survivor], 1000)
      expect(report).toMatchObject({ ok: false, killed: 0, survived: 1 })
      expect(reportText(report)).toContain('any-key  SURVIVED: no test fails without the look at the key')
    },
    seconds,
  )

  test.for([
    ['whose text is gone', { find: 'key == "right"' }, 'lock.ts: its text is no longer in the file'],
    ['whose text stands twice', { find: 'export' }, 'lock.ts: its text stands in the file more than once'],
    ['whose file is gone', { file: 'bolt.ts' }, 'bolt.ts is gone'],
    ['whose test is gone', { tests: ['bolt.test.ts'] }, 'bolt.test.ts is gone'],
  ] as const)('%s is an error, never a mutant that was killed', async ([, change, why]) => {
    const one = await judged(change)
    expect(one).toMatchObject({ verdict: 'ERROR', why })
    expect(reportOf([one], 0)).toMatchObject({ ok: false, errors: 1 })
  })
})

describe('a run', () => {
  test('in which no test ran proves nothing', () => {
    expect(readReport({ numPassedTests: 0, testResults: [] }, '/')).toEqual({
      outcome: 'broken',
      why: 'no test was run',
    })
  })

  test('in which a file did not load proves nothing: no test has noticed the mutant', () => {
    const unloaded = {
      name: '/lock.test.ts',
      status: 'failed',
      message: 'Unexpected token',
      assertionResults: [],
    }
    expect(readReport({ numPassedTests: 9, testResults: [unloaded] }, '/')).toEqual({
      outcome: 'broken',
      why: 'lock.test.ts: Unexpected token',
    })
  })
})

describe('the mutants of the guard', () => {
  test('have names of their own, and each names tests that are there', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
    const root = dirname(PACKAGES)
    expect(MUTANTS.filter(({ tests }) => tests.length === 0)).toEqual([])
    expect(MUTANTS.flatMap(({ tests }) => tests).filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  test('change what they replace', () => {
    for (const { find, replace } of MUTANTS)
      expect(applyMutant(`before ${find} after`, { find, replace })).toEqual({
        text: `before ${replace} after`,
      })
  })
})
