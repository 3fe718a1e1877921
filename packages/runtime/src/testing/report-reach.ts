import type { AuditedAudience } from './audit/audience.ts'
import type { Reach } from './audit/reach.ts'

/** Who can reach an argument in one way, and with what values, in words. */
export function reachInWords(reach: Reach, type: string, audience: AuditedAudience): string {
  switch (reach.by) {
    case 'anyone':
      return reach.why === 'content'
        ? `anyone, with any words${reaching(audience)}`
        : 'anyone, with any value: a plain read decides nothing'
    case 'quoted':
      return `the user, by ${said(type, reach.words)}`
    case 'bound': {
      const fields = reach.fields
        .map(({ path, field }) => (field === 'minted' ? path : `${path} (which a party chose)`))
        .join(', ')
      const text = `${fields} of the one ${reach.kind} in ${reach.tool} whose ${reach.key.join(' and ')} they wrote`
      return reach.trusted === false
        ? `nobody: not by ${text}, its operator is not trusted`
        : `the user, by ${text}`
    }
    case 'minted':
      return `anyone, with any ${reach.kind} that came back in ${reach.from.map(({ tool, path }) => `${tool}.${path}`).join(', ')}`
    case 'derived':
      return `anyone, with what derive computes from values that are ${reach.from.join(' or ')}`
    case 'harmless':
      return `anyone, with ${reach.values.map((one) => (one === 'empty' ? 'nothing at all' : JSON.stringify(one))).join(', ')}`
    case 'constant':
      return `anyone, with the developer’s ${reach.values.map((one) => JSON.stringify(one)).join(', ')}`
    default:
      return reach satisfies never
  }
}

function said(type: string, words: 'whole' | 'marked' | 'bare'): string {
  if (words === 'bare') return 'any words that they wrote'
  if (words === 'marked') return 'words that they put in quotation marks'
  return type === 'id'
    ? 'an id of five characters or more that they wrote in full'
    : `a value of type ${type} that they wrote`
}

function reaching({ arguments: paths, names, by }: AuditedAudience): string {
  const who = [...paths.map((path) => `whom ${path} names`), ...names]
  if (who.length > 0) return `, to ${who.join(' and ')}`
  return by === 'unknown' ? ', to whomever the tool reaches' : ''
}
