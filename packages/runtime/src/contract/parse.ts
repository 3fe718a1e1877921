import { z } from 'zod'
import { ContractError } from '../errors.ts'
import type { Argument } from './argument.ts'
import type { ToolContract } from './contract.ts'
import type { Field } from './field.ts'
import { quota, quotaProblem } from './parse-quota.ts'

/**
 * Check that a contract says only what a contract can say, key by key.
 *
 * Fails closed: a key that no contract has is refused, not ignored, since a misspelt `aproval` would be a control
 * that is not there.
 *
 * @throws {ContractError} Naming the key, what was given and what is expected.
 */
export function parseContract(tool: string, contract: unknown): ToolContract {
  const key = `contracts.${tool}`
  if (contract === 'read') return { effect: 'read' }
  if (typeof contract !== 'object' || contract === null || Array.isArray(contract))
    throw new ContractError(
      key,
      contract,
      "'read' or a contract object",
      contract === undefined ? 'ERR_CONTRACT_MISSING' : 'ERR_CONTRACT_INVALID',
    )
  const parsed = TOOL_CONTRACT.safeParse(contract)
  if (parsed.success) {
    checkPaths(`${key}.args`, contract as ToolContract)
    checkQuotas(`${key}.quota`, contract as ToolContract)
    return contract as ToolContract
  }
  const issue = deepest(parsed.error.issues[0] as z.core.$ZodIssue)
  const path = [key, ...issue.path.map(String)]
  if (issue.code === 'unrecognized_keys') {
    const [unknown = ''] = issue.keys
    const holder = at(contract, issue.path)
    throw new ContractError(
      [...path, unknown].join('.'),
      at(holder, [unknown]),
      `no such key${known(issue.path)}`,
    )
  }
  throw new ContractError(path.join('.'), at(contract, issue.path), issue.message)
}

const words = (expected: string): { error: string } => ({ error: expected })
const someText = z.string(words('a string that is not empty')).min(1, words('a string that is not empty'))
const texts = z.array(someText, words('a list of strings'))
const someTexts = texts.min(1, words('a list of at least one string'))
const milliseconds = z
  .number(words('a positive number of milliseconds'))
  .positive(words('a positive number of milliseconds'))
const fn = z.custom<(...args: never) => unknown>((value) => typeof value === 'function', words('a function'))
const scalar = z.union(
  [z.string(), z.number(), z.boolean(), z.null()],
  words('a string, number, boolean or null'),
)
const one = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, words(values.map((value) => `'${value}'`).join(', ')))

const READERS = words("'everyone' or { principals?, at? } with at least one of them")
const VALUE_TYPES = [
  'id',
  'email',
  'phone',
  'iban',
  'url',
  'money',
  'number',
  'date',
  'time',
  'name',
  'text',
  'choice',
] as const
const control = z.strictObject({
  role: z.literal('control'),
  type: z.enum(VALUE_TYPES),
  kind: someText.optional(),
  harmless: z.array(scalar),
  minted: z.boolean(),
  derived: z.boolean(),
  bareWords: z.boolean(),
  always: z.boolean(),
  orMinted: fn,
  orDerived: fn,
  orHarmless: fn,
  orBareWords: fn,
  alwaysAttested: fn,
})
const contentArgument = z.strictObject({
  role: z.literal('content'),
  links: z.enum(['ask', 'strip', 'allow']),
})
const argument = z.custom<Argument>(
  (value) =>
    (control.safeParse(value).success && hasKind(value as Argument)) ||
    contentArgument.safeParse(value).success,
  words('an argument made with id(kind), email(), text(), content(), choice([…]) or the like'),
)

const field = z.custom<Field>(
  (value) => FIELD.safeParse(value).success,
  words('a field made with minted(), attributed() or authored()'),
)
const FIELD = z.union([
  z.strictObject({ field: z.literal('minted'), kind: someText.optional(), standsFor: texts.optional() }),
  z.strictObject({ field: z.enum(['attributed', 'authored']), party: z.string().optional() }),
])

const record = z.strictObject(
  {
    kind: someText,
    at: z.string(words('a path in the result')).optional(),
    key: someTexts,
    binds: texts.optional(),
    lookup: fn.optional(),
    complete: someText.optional(),
  },
  words('a record: { kind, key, at?, binds?, lookup?, complete? }'),
)

const ORIGIN = words("an origin such as 'https://api.example'")
const origin = z.string(ORIGIN).refine((given) => isOrigin(given), ORIGIN)
const DETAILS = words('a list of objects with a type (RFC 9396), or a function that gives one')
const TOKEN = z.strictObject(
  {
    audience: someText,
    scopes: z.union([someTexts, fn]),
    resource: z
      .string(words('a URI with no fragment (RFC 8707)'))
      .refine(
        (given) => URL.canParse(given) && !given.includes('#'),
        words('a URI with no fragment (RFC 8707)'),
      )
      .optional(),
    authorizationDetails: z
      .union([z.array(z.looseObject({ type: someText })).min(1), fn], DETAILS)
      .optional(),
    origin: origin.optional(),
  },
  words('{ audience, scopes }'),
)
const KEY = z.strictObject(
  {
    secret: someText,
    origin,
    header: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]*$/, words('the name of a header'))
      .optional(),
    scheme: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]*$/, words('one word'))
      .optional(),
  },
  words('{ secret, origin }'),
)

const TOOL_CONTRACT = z.strictObject({
  effect: one('read', 'write', 'irreversible'),
  egress: z.boolean(words('true or false')).optional(),
  operator: someText.regex(/^[^\s:]+$/u, words("a name without spaces or colons, such as 'shop'")).optional(),
  args: z.record(z.string(), argument, words('an object of arguments by path')).optional(),
  result: z
    .custom<unknown>(
      (value) =>
        field.safeParse(value).success ||
        (typeof value === 'object' &&
          value !== null &&
          !('field' in value && typeof value.field === 'string')),
      words('a field made with minted(), attributed() or authored(), or an object of them by path'),
    )
    .pipe(z.union([field, z.record(z.string(), field)]))
    .optional(),
  readers: z
    .union(
      [
        z.literal('everyone'),
        z
          .strictObject({ principals: texts.optional(), at: texts.optional() })
          .refine(({ principals, at: paths }) => principals !== undefined || paths !== undefined, READERS),
      ],
      READERS,
    )
    .optional(),
  record: z.union([record, z.array(record).min(1)], words('a record, or a list of records')).optional(),
  audience: fn.optional(),
  action: someText.optional(),
  resource: fn.optional(),
  risk: one('low', 'medium', 'high', 'critical').optional(),
  approval: z
    .strictObject(
      { approvers: someTexts.optional(), deadlineMs: milliseconds.optional() },
      words('{ approvers?, deadlineMs? }'),
    )
    .optional(),
  deadlineMs: milliseconds.optional(),
  flow: one('ask', 'deny').optional(),
  cause: one('trusted').optional(),
  attest: one('always').optional(),
  authority: one('authors').optional(),
  classification: someText.optional(),
  constants: texts.optional(),
  carriesLabels: z.boolean(words('true or false')).optional(),
  revalidate: fn.optional(),
  providerExecuted: one('allow').optional(),
  credentials: z.union([TOKEN, KEY], words('{ audience, scopes }, or { secret, origin }')).optional(),
  quota: z.union([quota, z.array(quota).min(1)], words('a quota, or a list of quotas')).optional(),
} satisfies Record<keyof ToolContract, z.ZodType>)

/** An origin as `URL` writes it, so that it is compared as it stands. */
function isOrigin(given: string): boolean {
  return /^https?:\/\//.test(given) && URL.parse(given)?.origin === given
}

function hasKind(of: Argument): boolean {
  return of.role === 'content' || of.type !== 'id' || of.kind !== undefined
}

function checkPaths(key: string, contract: ToolContract): void {
  for (const path of Object.keys(contract.args ?? {}))
    if (!isPath(path)) throw new ContractError(`${key}.${path}`, path, "a path such as 'to' or 'items.*.id'")
}

function checkQuotas(key: string, { quota: given = [], deadlineMs }: ToolContract): void {
  for (const each of [given].flat()) {
    const problem = quotaProblem(each, deadlineMs)
    if (problem !== undefined)
      throw new ContractError(`${key}.${problem.key}`, problem.given, problem.expected)
  }
}

function isPath(path: string): boolean {
  return path.split('.').every((step) => step !== '')
}

/** The issue that is furthest in, where a union says only that nothing fits. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors
    .flat()
    .map((one_) => deepest({ ...one_, path: [...issue.path, ...one_.path] }))
    .toSorted(
      (a, b) =>
        b.path.length - a.path.length ||
        Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'),
    )[0]
  const better =
    inner !== undefined && (inner.path.length > issue.path.length || inner.code === 'unrecognized_keys')
  return better ? inner : issue
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value
  for (const step of path)
    here =
      typeof here === 'object' && here !== null ? (here as Record<PropertyKey, unknown>)[step] : undefined
  return here
}

function known(path: readonly PropertyKey[]): string {
  return path.length === 0 ? `; a contract has ${Object.keys(TOOL_CONTRACT.shape).join(', ')}` : ''
}
