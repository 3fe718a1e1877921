import type { ArgumentAudit, AuditedAudience, FieldAudit, Reach } from '@gatewright/runtime/testing'

/** Who can reach an argument in one way, and with what values. */
export interface DescribedReach {
  readonly who: 'anyone' | 'the user' | 'nobody'
  readonly values: string
}

const SAID: Readonly<Record<string, string>> = {
  id: 'an id of five characters or more that they wrote in full',
  email: 'an address that they wrote',
  phone: 'a number that they wrote',
  iban: 'an account that they wrote',
  url: 'a URL that they wrote in full',
  money: 'an amount that they wrote',
  number: 'a number that they wrote',
  date: 'a date that they wrote',
  time: 'a time that they wrote',
}

/** A way into an argument, in words. */
export function describeReach(
  reach: Reach,
  { type }: ArgumentAudit,
  audience: AuditedAudience,
): DescribedReach {
  switch (reach.by) {
    case 'anyone':
      return reach.why === 'content'
        ? { who: 'anyone', values: `any words${reaching(audience)}` }
        : { who: 'anyone', values: 'any value: a plain read decides nothing' }
    case 'quoted':
      return {
        who: 'the user',
        values: reach.words === 'whole' ? (SAID[type] ?? 'a value that they wrote') : wordsOf(reach.words),
      }
    case 'bound':
      return bound(reach)
    case 'minted':
      return {
        who: 'anyone',
        values: `any ${reach.kind} id that came back in ${reach.from.map(({ tool, path, trusted }) => `${tool}.${path}${assumption(trusted)}`).join(', ')}`,
      }
    case 'derived':
      return { who: 'anyone', values: `what derive computes from values that are ${reach.from.join(' or ')}` }
    case 'harmless':
      return {
        who: 'anyone',
        values: reach.values
          .map((one) => (one === 'empty' ? 'nothing at all' : JSON.stringify(one)))
          .join(', '),
      }
    case 'constant':
      return {
        who: 'anyone',
        values: `${reach.values.map((one) => JSON.stringify(one)).join(', ')}, by the developer`,
      }
    default:
      return reach satisfies never
  }
}

function wordsOf(words: 'marked' | 'bare'): string {
  return words === 'bare' ? 'any words that they wrote' : 'words that they put in quotation marks'
}

function bound({ kind, tool, key, fields, trusted }: Extract<Reach, { by: 'bound' }>): DescribedReach {
  const held = fields.map(({ path, field, party }) =>
    field === 'minted'
      ? path
      : `${path} (chosen by ${party === undefined ? 'anyone' : `whom ${party} names`})`,
  )
  const values = `${held.join(', ')} of the one ${kind} in ${tool} whose ${key.join(' and ')} they wrote`
  return trusted === false
    ? { who: 'nobody', values: `not ${values}: its operator is not trusted` }
    : { who: 'the user', values: `${values}${assumption(trusted)}` }
}

function assumption(trusted: boolean | undefined): string {
  return trusted === undefined ? ' (if its operator is trusted)' : trusted ? '' : ' (not trusted: never)'
}

function reaching({ by, arguments: paths, names }: AuditedAudience): string {
  if (by === 'unknown') return ', to whomever the tool reaches'
  const who = [
    ...(paths.length === 0
      ? []
      : [
          `whomever ${paths.map((path) => `'${path}'`).join(' and ')} ${paths.length === 1 ? 'names' : 'name'}`,
        ]),
    ...names,
  ]
  return who.length === 0 ? ', to whom its audience computes' : `, to ${who.join(' and ')}`
}

/** Who writes what of a result, in words. */
export function describeFields(fields: readonly FieldAudit[]): string {
  if (fields.length === 0) return 'all of it by anyone'
  const of = (kind: FieldAudit['field']): string => {
    const found = fields.filter(({ field }) => field === kind)
    const list = found.map(({ path, kind: named, party }) => {
      const by = named ?? party
      return `${path === '' ? 'the whole' : path}${by === undefined ? '' : ` (${by})`}`
    })
    return found.length === 0 ? '' : `${kind} ${list.join(', ')}`
  }
  const parts = [of('minted'), of('attributed'), of('authored')].filter((part) => part !== '')
  return `${parts.join('; ')}; the rest by anyone`
}
