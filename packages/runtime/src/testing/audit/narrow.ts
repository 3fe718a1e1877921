import type { Argument, ControlArgument } from '../../contract/argument.ts'
import type { CompiledContract } from '../../contract/compile.ts'
import type { Field } from '../../contract/field.ts'
import type { SchemaLeaf } from '../../contract/json-schema.ts'
import type { AuditedAudience } from './audience.ts'
import type { Reach } from './reach.ts'
import { argumentSource, entrySource, literal, strictSource } from './source.ts'

/** A line of a contract that would leave less to others. */
export interface Narrowing {
  /** `doubt`: it looks like an oversight. `option`: it is wider than it could be, which may well be meant. */
  readonly level: 'doubt' | 'option'
  /** Where the line belongs: `contracts.sendEmail.args.to`. */
  readonly key: string
  /** `to: email()` */
  readonly line: string
  readonly because: string
}

/** What of an argument its narrowings depend on. */
export interface NarrowedArgument {
  readonly leaf: SchemaLeaf
  readonly argument: Argument
  readonly reaches: readonly Reach[]
  /** What the name and the format of the argument suggest it is, where they suggest anything. */
  readonly suggested: ControlArgument | undefined
  /** Its value comes back as a recipient. */
  readonly isRecipient: boolean
}

/** Words by which tools select something that no type of ours has a name for. */
const SELECTS =
  /(?:^|_)(?:to|cc|bcc|recipients?|channel|account|path|file|folder|table|sql|query|command|cmd|code|script|user|owner|role|permissions?|scope|target|destination|branch|repo|repository)$/

const TO = /^(?:to|cc|bcc|reply_to|recipients?)$/
const MAIL = /(?:^|_)e?_?mails?(?:_|$)/

/** The lines that would narrow one argument. */
export function narrowArgument(
  { tool, effect, plainRead }: CompiledContract,
  { leaf: { path, schema }, argument, reaches, suggested, isRecipient }: NarrowedArgument,
): readonly Narrowing[] {
  const found: Narrowing[] = []
  const key = `contracts.${tool}.args.${path}`
  const narrow = (level: Narrowing['level'], value: string, because: string): void => {
    found.push({ level, key, line: entrySource(path, value), because })
  }
  if (argument.role === 'content') {
    const control =
      suggested !== undefined && suggested.type !== 'text'
        ? strictSource(suggested)
        : TO.test(snake(lastName(path))) && MAIL.test(snake(tool))
          ? 'email()'
          : undefined
    if (isRecipient)
      narrow('doubt', control ?? 'text()', 'the audience is read from it, and content is anyone’s to choose')
    else if (!plainRead && (control !== undefined || SELECTS.test(snake(lastName(path)))))
      narrow(
        'doubt',
        control ?? 'text()',
        'by its name it decides something, and content is anyone’s to choose',
      )
    if (argument.links === 'allow')
      narrow(
        'doubt',
        "content({ links: 'strip' })",
        'a link or an image carries what the model has seen to whoever runs the site',
      )
    return found
  }
  if (plainRead) {
    if (suggested?.type === 'url')
      found.push({
        level: 'doubt',
        key: `contracts.${tool}`,
        line: `effect: 'read', egress: true, args: { ${entrySource(path, 'url()')} }`,
        because: 'a fetched URL carries what the model has seen to whoever runs the site',
      })
    return found
  }
  if (argument.minted)
    narrow(
      'option',
      argumentSource(argument, 'minted'),
      'anyone may choose among the ids that the run has seen',
    )
  if (argument.derived)
    narrow(
      'option',
      argumentSource(argument, 'derived'),
      'anyone may choose which of the user’s values are computed with',
    )
  if (argument.bareWords && effect !== 'read')
    narrow('option', argumentSource(argument, 'bareWords'), 'any run of the user’s words will do')
  if (argument.harmless.length > 0 && effect !== 'read') harmlessOf(argument, schema.enum, narrow)
  for (const reach of reaches) {
    const parties = reach.by === 'bound' ? reach.fields.filter(({ field }) => field === 'attributed') : []
    if (reach.by !== 'bound' || parties.length === 0) continue
    const kept = reach.fields.filter(({ field }) => field === 'minted').map((one) => literal(one.path))
    found.push({
      level: 'option',
      key: `contracts.${reach.tool}.record.binds`,
      line: `binds: [${kept.join(', ')}]`,
      because: `${parties.map((one) => (one.party === undefined ? `anyone chooses ${one.path}` : `whoever ${one.party} names chooses ${one.path}`)).join(', ')}`,
    })
  }
  return found
}

function harmlessOf(
  argument: ControlArgument,
  values: readonly unknown[] | undefined,
  narrow: (level: Narrowing['level'], value: string, because: string) => void,
): void {
  if (argument.type !== 'choice') {
    const because = argument.harmless.includes('empty')
      ? 'anyone may have it left empty, which many tools read as all of them'
      : 'anyone may choose one of these values'
    narrow('option', argumentSource(argument, 'harmless'), because)
    return
  }
  const all = values !== undefined && values.every((value) => argument.harmless.includes(value as never))
  if (all && values.length > 1)
    narrow(
      'option',
      `choice([${literal(values[0])}])`,
      'every value that the schema has is anyone’s to choose: list those that decide nothing',
    )
}

const EFFECTS =
  /^(?:send|delete|remove|create|update|write|post|put|patch|pay|transfer|refund|cancel|book|buy|invite|share|publish|merge|deploy|run|exec|execute|set|add|schedule|reply|forward|upload|move|rename|grant|revoke|approve|submit|notify|issue|reset|disable|enable)(?:_|$)/
const OUTSIDE = /(?:^|_)(?:web|internet|online|fetch|browse|http|url|crawl|scrape)(?:_|$)/

/** The lines that would narrow a tool as a whole. */
export function narrowTool(
  { tool, contract, effect, risk, plainRead }: CompiledContract,
  audience: AuditedAudience,
  looked: readonly NarrowedArgument[],
): readonly Narrowing[] {
  const found: Narrowing[] = []
  const narrow = (level: Narrowing['level'], under: string, line: string, because: string): void => {
    found.push({ level, key: `contracts.${tool}${under}`, line, because })
  }
  const name = snake(tool)
  if (effect === 'read' && EFFECTS.test(name))
    narrow(
      'doubt',
      '.effect',
      "effect: 'irreversible'",
      'by its name it changes something, and a read needs nothing',
    )
  if (plainRead && OUTSIDE.test(name))
    narrow(
      'doubt',
      '.egress',
      'egress: true',
      'by its name it reaches outside, and what it is asked for carries what the model has seen',
    )
  const to = looked.some(({ argument }) => argument.role === 'content') ? recipientOf(looked) : undefined
  if (contract.audience === undefined && !plainRead && audience.by !== 'none' && to !== undefined)
    narrow(
      'doubt',
      '.audience',
      /^[A-Za-z_$][\w$]*$/.test(to) ? `audience: ({ ${to} }) => ${to}` : 'audience: (input) => …',
      audience.by === 'unknown'
        ? 'nobody can tell whom it reaches, so nothing says who may read what it carries'
        : 'its content is taken to reach its operator alone',
    )
  if (effect === 'irreversible' && risk === 'low')
    narrow(
      'doubt',
      '.risk',
      "risk: 'medium'",
      'nothing flags an irreversible call of low risk for a later look',
    )
  if (!plainRead && contract.constants !== undefined && contract.constants.length > 0)
    narrow(
      'option',
      '.constants',
      'constants: []',
      'anyone may have any of them put into any argument of this tool',
    )
  if (contract.readers === 'everyone')
    narrow('option', '.readers', 'readers: { principals: [] }', 'what it returns may be sent to everyone')
  return found
}

/** The argument that most looks like the one that says whom a call reaches. */
function recipientOf(looked: readonly NarrowedArgument[]): string | undefined {
  const paths = looked.filter(isAddress).map(({ leaf }) => leaf.path)
  return paths.find((path) => /^(?:to|recipients?)$/.test(snake(lastName(path)))) ?? paths[0]
}

function isAddress({ argument, suggested, leaf: { path } }: NarrowedArgument): boolean {
  const type = argument.role === 'control' ? argument.type : suggested?.type
  if (type === 'email' || type === 'phone') return true
  return argument.role === 'content' && /^(?:to|recipients?)$/.test(snake(lastName(path)))
}

const FREE_TEXT =
  /(?:^|_)(?:title|subject|body|text|notes?|comments?|description|message|summary|content|memo|reason|answer|review|bio|query)$/
const CHOSEN = /(?:^|_)(?:e?_?mail|from|sender|author|address|name|username|filename|url|link|phone|iban)$/

/** The line that would narrow a field of a result, if its name says that outsiders choose it. */
export function narrowField(tool: string, path: string, field: Field): Narrowing | undefined {
  const name = snake(lastName(path))
  const key = `contracts.${tool}.result.${path}`
  if (field.field !== 'authored' && FREE_TEXT.test(name))
    return {
      level: 'doubt',
      key,
      line: entrySource(path, 'authored()'),
      because: `by its name it is free text, and what is ${field.field} counts as evidence`,
    }
  if (field.field === 'minted' && CHOSEN.test(name))
    return {
      level: 'doubt',
      key,
      line: entrySource(path, 'attributed()'),
      because: 'by its name a party chose it, and what is minted counts as the operator’s',
    }
  return undefined
}

function lastName(path: string): string {
  return path.split('.').findLast((step) => step !== '*' && step !== '**' && !/^\d+$/.test(step)) ?? ''
}

function snake(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[\s-]+/g, '_')
    .toLowerCase()
}
