import type { Link } from './construct.ts'
import { answerStream, type TextStream } from './held.ts'
import { inert } from './inert.ts'
import { afterPrivateKey, endsInPrivateKey, redactSecrets, secretsSettled } from './secrets.ts'

export interface AnswerFilter extends TextStream {
  /** Links and images taken out so far; offsets are those of the piece that each stood in. */
  readonly removed: readonly Link[]
  /** How many secrets were replaced so far. */
  readonly secrets: number
}

/**
 * Filters the final answer as it streams: first secrets are redacted, then links that are not allowed are made
 * inert, so that a redaction can neither form a link nor leave one standing.
 *
 * `push` returns what is certain by now and `end` the rest. A secret or link split over pieces is found as if it
 * had come whole, up to 8,192 characters; of a longer private key the remaining lines are dropped.
 */
export function answerFilter({ allowed }: { readonly allowed: (href: string) => boolean }): AnswerFilter {
  const removed: Link[] = []
  let secrets = 0
  let inKey = false
  const first = (text: string): string => {
    let rest = text
    if (inKey) {
      const after = afterPrivateKey(text)
      inKey = !after.ended
      rest = after.rest
    }
    if (endsInPrivateKey(rest)) inKey = true
    const redacted = redactSecrets(rest)
    secrets += redacted.found
    return redacted.text
  }
  const filter = (text: string): string => {
    const done = inert(text, allowed)
    for (const link of done.removed) removed.push(link)
    return done.text
  }
  const stream = answerStream(filter, { first, held: secretsSettled })
  return {
    push: stream.push,
    end: stream.end,
    removed,
    get secrets() {
      return secrets
    },
  }
}
