import type { Argument } from './argument.ts'
import { date, email, iban, id, money, name, number, phone, text, time, url } from './argument.ts'
import type { ToolContract } from './contract.ts'
import { type JsonSchema, type SchemaLeaf, schemaLeaves } from './json-schema.ts'

export interface ContractDraft {
  /** Valid as it stands, and as strict as a contract can be: every call with an untrusted cause asks. */
  readonly contract: ToolContract
  /** TypeScript to paste into a contract map and edit, with a comment a line that says why. */
  readonly source: string
}

/**
 * Draft a strict contract of a tool from its JSON schemas, for a person to edit.
 *
 * Nothing is loosened on the strength of a name: the effect is irreversible and the risk high, every argument is
 * control, every field is free text of anyone. What a name or a format suggests is the type of a control
 * argument, or a proposal in a comment. Descriptions are not read, since whoever wrote the tool wrote them; names
 * and values from the schema are escaped, so that none can end a comment or a string.
 */
export function describeContract(
  tool: string,
  input: JsonSchema,
  output?: JsonSchema,
  options: { readonly operator?: string } = {},
): ContractDraft {
  const { operator } = options
  const noun = nounOf(tool)
  const guesses = schemaLeaves(input)
    .filter(isNameable)
    .map((leaf) => ({ leaf, ...guess(leaf, noun) }))
  const contract: ToolContract = {
    effect: 'irreversible',
    risk: 'high',
    ...(operator === undefined ? {} : { operator }),
    args: Object.fromEntries(guesses.map(({ leaf, argument }) => [leaf.path, argument])),
  }
  const effect = /^(?:get|list|search|read|find|fetch|lookup|query)(?![a-z])/i.test(snake(tool))
    ? "the name suggests 'read': say so only if it changes nothing and reaches no one outside"
    : "unknown is irreversible: 'write' if it can be undone, 'read' if it changes nothing"
  const lines = [
    `${key(tool)}: {`,
    `  effect: 'irreversible', // ${effect}`,
    "  risk: 'high', // asks a person each time: lower it once the arguments below are right",
    operator === undefined
      ? "  // operator: '…', // who runs the system behind it: its minted fields are theirs"
      : `  operator: ${literal(operator)}, // its minted fields are theirs`,
    '  args: {',
    ...guesses.map(({ leaf, code, why }) => `    ${key(leaf.path)}: ${code}, // ${why}${left(leaf)}`),
    '  },',
    ...(output === undefined ? [] : resultLines(output, noun)),
    '},',
  ]
  return { contract, source: `${lines.join('\n')}\n` }
}

interface Guess {
  readonly argument: Argument
  readonly code: string
  readonly why: string
}

const BY_FORMAT: Readonly<Record<string, readonly [code: string, argument: () => Argument]>> = {
  email: ['email()', email],
  'idn-email': ['email()', email],
  uri: ['url()', url],
  url: ['url()', url],
  'uri-reference': ['url()', url],
  date: ['date()', date],
  'date-time': ['date()', date],
  time: ['time()', time],
}

const BY_NAME: readonly (readonly [RegExp, code: string, argument: () => Argument])[] = [
  [/(?:^|_)e?_?mails?(?:_address)?$/, 'email()', email],
  [/(?:^|_)iban$|(?:^|_)account_number$/, 'iban()', iban],
  [/(?:^|_)(?:phone|mobile|telephone)(?:_number)?$/, 'phone()', phone],
  [/(?:^|_)(?:url|uri|link|href|webhook)$/, 'url()', url],
  [/(?:^|_)(?:amount|price|total|cost|fee)$/, 'money()', money],
  [/(?:^|_)(?:date|datetime|deadline|birthday)$|_at$|_on$/, 'date()', date],
  [/(?:^|_)time$/, 'time()', time],
  [/(?:^|_)(?:name|username|filename)$/, 'name()', name],
]

function guess({ path, schema }: SchemaLeaf, noun: string): Guess {
  const named = snake(path.split('.').findLast((step) => step !== '*' && !/^\d+$/.test(step)) ?? '')
  const types = schema.type === undefined ? [] : [schema.type].flat()
  const values = 'const' in schema ? [schema.const] : schema.enum
  if (values !== undefined)
    return {
      argument: text(),
      code: 'text()',
      why: `choice([${values.map(literal).join(', ')}]), less what decides something`,
    }
  if (types.includes('boolean'))
    return { argument: text(), code: 'text()', why: 'choice([…]) of the values that decide nothing' }
  const byFormat =
    schema.format === undefined
      ? undefined
      : Object.hasOwn(BY_FORMAT, schema.format)
        ? BY_FORMAT[schema.format]
        : undefined
  if (byFormat !== undefined) return { argument: byFormat[1](), code: byFormat[0], why: 'by its format' }
  const kind = /^(?:(.*)_)?ids?$/.exec(named)
  if (kind !== null || schema.format === 'uuid') {
    const of = kind?.[1] || noun
    return {
      argument: id(of),
      code: `id(${literal(of)})`,
      why: 'by its name: the kind must be that of the minted field it selects',
    }
  }
  const byName = BY_NAME.find(([pattern]) => pattern.test(named))
  if (byName !== undefined) return { argument: byName[2](), code: byName[1], why: 'by its name' }
  if (types.includes('number') || types.includes('integer'))
    return { argument: number(), code: 'number()', why: 'by its type' }
  return {
    argument: text(),
    code: 'text()',
    why: 'unknown is control text: content() if it only carries words',
  }
}

function left({ optional, freeForm }: SchemaLeaf): string {
  if (freeForm) return '; its key is chosen by the model'
  return optional ? "; .orHarmless('empty') if leaving it out decides nothing" : ''
}

function resultLines(output: JsonSchema, noun: string): string[] {
  const proposals = schemaLeaves(output)
    .filter((leaf) => leaf.path !== '' && isNameable(leaf) && !leaf.freeForm)
    .map(({ path, schema }) => {
      const last = snake(path.split('.').findLast((step) => step !== '*') ?? '')
      const kind = /^(?:(.*)_)?ids?$/.exec(last)
      const proposal =
        kind !== null || schema.format === 'uuid' ? `minted(${literal(kind?.[1] || noun)})` : 'authored()'
      const why =
        proposal === 'authored()'
          ? 'attributed(party) if it is authenticated'
          : 'if no outsider can choose it'
      return `  //   ${key(path)}: ${proposal}, // ${why}`
    })
  return [
    '  // Unnamed fields are free text of anyone. To say more:',
    '  // result: {',
    ...proposals,
    '  // },',
  ]
}

/** Paths cannot name a key that is empty or has a dot in it; such a leaf stays unnamed, which is strict. */
function isNameable({ place }: SchemaLeaf): boolean {
  return (
    place.length > 0 &&
    place.every((step) => typeof step === 'number' || (step !== '' && !step.includes('.')))
  )
}

function nounOf(tool: string): string {
  const words = snake(tool)
    .split('_')
    .filter((word) => word !== '')
  return words.at(-1)?.replace(/(?<=[^s])s$/, '') || 'record'
}

function snake(word: string): string {
  return word
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
}

function key(word: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(word) ? word : literal(word)
}

// Everything but printable ASCII is escaped: U+2028 ends a comment, and right-to-left marks reorder one.
function literal(value: unknown): string {
  const json = (JSON.stringify(value) ?? 'undefined').replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return typeof value === 'string' && !/['\\]/.test(json) ? `'${json.slice(1, -1)}'` : json
}
