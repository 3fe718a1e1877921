import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'

interface Source {
  /** From the root of the repository: `packages/runtime/src/label/join.ts`. */
  readonly file: string
  readonly text: string
}

/** `any` import, or one that is gone once types are erased. */
type Kind = 'any' | 'type'
type Allowed = Readonly<Record<string, Kind>>

const any = (...layers: string[]): Allowed => Object.fromEntries(layers.map((layer) => [layer, 'any']))
const type = (...layers: string[]): Allowed => Object.fromEntries(layers.map((layer) => [layer, 'type']))

// A control decides nothing about labels or policy itself: it is told, by whoever composes it.
const CONTROL: Allowed = {
  ...any('json', 'errors.ts'),
  ...type('label', 'ledger', 'attest', 'policy', 'contract', 'principal.ts'),
}

const FOLDERS: Readonly<Record<string, Allowed>> = {
  label: {},
  json: {},
  'errors.ts': type('policy'),
  'principal.ts': any('label'),
  // What stands on the store is given one, and knows its port.
  ledger: { ...any('label', 'json', 'errors.ts'), ...type('store') },
  contract: any('json', 'label', 'principal.ts', 'errors.ts'),
  attest: any('label', 'ledger', 'json', 'contract', 'principal.ts', 'errors.ts'),
  policy: any('label', 'principal.ts', 'contract', 'json', 'errors.ts'),
  control: { ...CONTROL, ...type('store') },
  credentials: { ...CONTROL, ...type('store') },
  // A subject's own token leaves the check of it as a secret.
  identity: { ...CONTROL, ...any('credentials'), ...type('store', 'control') },
  egress: CONTROL,
  audit: CONTROL,
  store: CONTROL,
}

// `invoke.ts` and the files beside it that it is split into, then what stands above it. Each layer may import its
// own files and everything below.
const INVOKE = [
  'invoke.ts',
  'call-signal.ts',
  'decide.ts',
  'audience.ts',
  'made-calls.ts',
  'approve.ts',
  'argument-labels.ts',
  'invocation.ts',
  'execute.ts',
  'call-credential.ts',
  'obtain-credential.ts',
  'refuse.ts',
  'limit-call.ts',
  'limit-settle.ts',
  'limit-request.ts',
  'limit-options.ts',
  'watch.ts',
  'audit-call.ts',
  'run-state.ts',
  'sources.ts',
  'tool.ts',
  'parse.ts',
  'registration.ts',
  'registration-options.ts',
  'agent-check.ts',
  'sub-run.ts',
]
const RUN = [
  'run.ts',
  'start-run.ts',
  'authentication-of.ts',
  'run-evidence.ts',
  'trigger.ts',
  'user-words.ts',
  'shared-state.ts',
  'halting.ts',
  'guard-credentials.ts',
]
const STACK: readonly (readonly string[])[] = [INVOKE, RUN, ['guard.ts'], ['loop'], ['testing'], ['index.ts']]

const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  retriever: ['runtime'],
  adapters: ['runtime', 'retriever'],
  cli: ['runtime', 'retriever', 'adapters'],
}

const LONGEST_FILE = 400
const VAGUE_FILES = /(?:^|\/)(?:utils?|helpers?|common|types)(?:\.ts$|\/)/
const VAGUE_NAMES = /(?:Manager|Service|Handler|Helper|Util|Processor)$/

/** What is wrong with a set of sources, each complaint with its file. */
function complaints(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => [
    ...(VAGUE_FILES.test(source.file) ? [`${source.file}: name the file for its noun or verb`] : []),
    ...(lines(source.text) > LONGEST_FILE ? [`${source.file}: longer than ${LONGEST_FILE} lines`] : []),
    ...exportsOf(source.text)
      .filter((name) => VAGUE_NAMES.test(name))
      .map((name) => `${source.file}: export ${name} says too little`),
    ...importsOf(source.text)
      .filter((one) => !mayImport(source.file, one))
      .map((one) => `${source.file}: may not import ${one.kind === 'type' ? 'types of ' : ''}${one.from}`),
  ])
}

interface Import {
  readonly from: string
  readonly kind: Kind
}

function importsOf(text: string): Import[] {
  const code = withoutComments(text)
  const named = /^[ \t]*(?:import|export)\s+(type\s+)?([\w*${},\s]*?)\s*from\s*['"]([^'"]+)['"]/gm
  const found = [...code.matchAll(named)].map(([, typed, clause = '', from = '']): Import => {
    const names = /^\{([^}]*)\}$/
      .exec(clause.trim())?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '')
    const erased = typed !== undefined || (names?.every((name) => /^\s*type\s/.test(name)) ?? false)
    return { from, kind: erased ? 'type' : 'any' }
  })
  const inType = [...code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)]
  const bare = [...code.matchAll(/^[ \t]*import\s*['"]([^'"]+)['"]/gm)]
  return [...found, ...[...inType, ...bare].map(([, from = '']): Import => ({ from, kind: 'any' }))]
}

function exportsOf(text: string): string[] {
  const code = withoutComments(text)
  const declared =
    /^export\s+(?:default\s+)?(?:declare\s+|abstract\s+|async\s+)*(?:function\*?|class|const|let|interface|type)\s+(\w+)/gm
  const listed = [...code.matchAll(/^export\s+(?:type\s+)?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim().split(/\s+/).at(-1) ?? ''),
  )
  return [...[...code.matchAll(declared)].map(([, name = '']) => name), ...listed]
}

function withoutComments(text: string): string {
  return text.replaceAll(/^[ \t]*\/\*[\s\S]*?\*\//gm, '').replaceAll(/^[ \t]*\/\/.*$/gm, '')
}

function lines(text: string): number {
  return text.trimEnd().split('\n').length
}

function mayImport(file: string, { from, kind }: Import): boolean {
  const [, pkg = '', , ...inside] = file.split('/')
  const scoped = /^@gatewright\/([^/]+)/.exec(from)?.[1]
  if (scoped !== undefined) return PACKAGES[pkg]?.includes(scoped) ?? false
  if (!from.startsWith('.')) return mayUse(pkg, inside, from, kind)
  const target = posix.normalize(posix.join(posix.dirname(file), from))
  const source = `packages/${pkg}/src/`
  if (!target.startsWith(source)) return false
  return pkg !== 'runtime' || below(inside[0] ?? '', target.slice(source.length).split('/')[0] ?? '', kind)
}

function mayUse(pkg: string, inside: readonly string[], from: string, kind: Kind): boolean {
  if (pkg !== 'runtime' || !(from === 'ai' || from.startsWith('ai/') || from.startsWith('@ai-sdk/')))
    return true
  if (inside[0] === 'loop' || inside[0] === 'testing') return true
  return inside.join('/') === 'contract/infer.ts' && kind === 'type'
}

function below(from: string, to: string, kind: Kind): boolean {
  if (from === to) return true
  const folder = FOLDERS[from]
  if (folder !== undefined) return folder[to] === 'any' || (folder[to] === 'type' && kind === 'type')
  const height = STACK.findIndex((layer) => layer.includes(from))
  if (height < 0) return false
  return Object.hasOwn(FOLDERS, to) || STACK.slice(0, height + 1).some((layer) => layer.includes(to))
}

function sourcesOf(root: string): Source[] {
  return readdirSync(join(root, 'packages')).flatMap((pkg) =>
    readdirSync(join(root, 'packages', pkg, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/\.test(?:-d)?\.ts$/.test(name))
      .map((name) => posix.join('packages', pkg, 'src', name.replaceAll('\\', '/')))
      .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') })),
  )
}

const root = join(import.meta.dirname, '..')

test('imports run one way, and files and exports are named for what they are', () => {
  expect(complaints(sourcesOf(root))).toEqual([])
})

const planted = (file: string, text: string): string[] => complaints([{ file: `packages/${file}`, text }])

describe('the check itself', () => {
  test.for<[string, string]>([
    ['runtime/src/label/label.ts', "import { plainJson } from '../json/plain.ts'"],
    ['runtime/src/label/label.ts', "import type { Json } from '../json/plain.ts'"],
    ['runtime/src/ledger/chunk.ts', "import {\n  attest,\n} from '../attest/attest.ts'"],
    ['runtime/src/attest/bind.ts', "import { combine } from '../policy/combine.ts'"],
    ['runtime/src/attest/derive/row.ts', "export { rules } from '../../policy/rules.ts'"],
    ['runtime/src/control/quota.ts', "import { audit } from '../audit/audit.ts'"],
    ['runtime/src/control/quota.ts', "import type { Sink } from '../audit/sink.ts'"],
    ['runtime/src/egress/links.ts', "import { type Label, label } from '../label/label.ts'"],
    ['runtime/src/policy/flow.ts', "import type { Run } from '../run.ts'"],
    ['runtime/src/policy/flow.ts', "const late = await import('../invoke.ts')"],
    ['runtime/src/policy/flow.ts', "import '../loop/guard-tools.ts'"],
    ['runtime/src/invoke.ts', "import { guardTools } from './loop/guard-tools.ts'"],
    ['runtime/src/run.ts', "import { createGuard } from './guard.ts'"],
    ['runtime/src/newcomer.ts', "import { label } from './label/label.ts'"],
    ['runtime/src/invoke.ts', "import type { Tool } from 'ai'"],
    ['runtime/src/contract/infer.ts', "import { tool } from 'ai'"],
    ['runtime/src/attest/attest.ts', "import { MockLanguageModelV4 } from 'ai/test'"],
    ['retriever/src/plan.ts', "import { cedar } from '@gatewright/adapters'"],
    ['runtime/src/guard.ts', "import { retriever } from '@gatewright/retriever'"],
    ['adapters/src/mcp/client.ts', "import { label } from '../../../runtime/src/label/label.ts'"],
  ])('%s may not say %s', ([file, text]) => {
    expect(planted(file, text)).toEqual([expect.stringContaining(`packages/${file}: may not import`)])
  })

  test.for<[string, string]>([
    ['runtime/src/attest/bind.ts', "import type { Compiled } from '../contract/compile.ts'"],
    ['runtime/src/attest/bind.ts', "import { type Compiled } from '../contract/compile.ts'"],
    ['runtime/src/errors.ts', "import type { Decision } from './policy/decision.ts'"],
    ['runtime/src/contract/infer.ts', "import type { Tool } from 'ai'"],
    ['runtime/src/loop/guard-agent.ts', "import { generateText } from 'ai'"],
    ['runtime/src/guard.ts', "import { startRun } from './run.ts'"],
    [
      'runtime/src/label/label.ts',
      "/**\n * import { x } from '../json/plain.ts'\n */\n// import '../run.ts'",
    ],
    ['cli/src/main.ts', "import { createGuard } from '@gatewright/runtime'"],
  ])('%s may say %s', ([file, text]) => {
    expect(planted(file, text)).toEqual([])
  })

  test('names that say too little, and files that are too long, are told', () => {
    expect(planted('runtime/src/policy/utils.ts', '')).toEqual([expect.stringContaining('noun or verb')])
    expect(planted('runtime/src/common/x.ts', '')).toEqual([expect.stringContaining('noun or verb')])
    expect(planted('runtime/src/run.ts', 'export class RunManager {}')).toEqual([
      expect.stringContaining('RunManager'),
    ])
    expect(planted('runtime/src/run.ts', 'export { type a as RunHandler }')).toEqual([
      expect.stringContaining('RunHandler'),
    ])
    expect(planted('runtime/src/run.ts', 'x\n'.repeat(401))).toEqual([
      expect.stringContaining('longer than 400'),
    ])
    expect(planted('runtime/src/run.ts', 'x\n'.repeat(400))).toEqual([])
  })
})
