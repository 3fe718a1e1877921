import { leaves, placeText } from '../json/path.ts'
import type { ApprovalFacts, ApprovalRequest } from './approval.ts'
import { visible } from './visible.ts'

const MOST_LISTED = 50

/** The facts as they may be put before a person: every text in them made visible, long lists cut with a note. */
export function shownFacts(facts: ApprovalFacts): ApprovalFacts {
  return Object.freeze({
    what: visible(facts.what),
    toWhom: listed(facts.toWhom.map(visible)),
    sources: Object.freeze(
      facts.sources.slice(0, MOST_LISTED).map(({ path, value, from, authors }) =>
        Object.freeze({
          path: visible(path),
          value: visible(value),
          from: visible(from),
          authors: listed(authors.map(visible)),
        }),
      ),
    ),
    reasons: listed(facts.reasons.map(visible)),
  })
}

/** A request as lines of plain text, for a terminal or a message: what, to whom, with which values, and from where. */
export function requestLines(request: ApprovalRequest): readonly string[] {
  const { what, toWhom, sources, reasons } = request.facts
  const values = leaves(request.input).map(
    ({ place, value }) =>
      `  ${visible(placeText(place))} = ${visible(typeof value === 'string' ? value : JSON.stringify(value))}`,
  )
  return [
    what,
    `Tool: ${visible(request.tool)}${request.destination === undefined ? '' : `, at ${visible(request.destination)}`}`,
    `For: ${visible(request.subject)}, by ${visible(request.agent)}`,
    ...(toWhom.length === 0 ? [] : [`Reaches: ${toWhom.join(', ')}`]),
    'With:',
    ...listed(values),
    ...(sources.length === 0 ? [] : ['Not from the user:']),
    ...sources.map(
      ({ path, value, from, authors }) =>
        `  ${path} = ${value}, from ${from}, written by ${authors.join(', ')}`,
    ),
    ...(reasons.length === 0 ? [] : ['Why you are asked:', ...reasons.map((reason) => `  ${reason}`)]),
    `Open until ${request.expires.toISOString()}. Request ${visible(request.id)}.`,
  ]
}

function listed(lines: readonly string[]): readonly string[] {
  const more = lines.length - MOST_LISTED
  return Object.freeze(more > 0 ? [...lines.slice(0, MOST_LISTED), `… and ${more} more`] : [...lines])
}
