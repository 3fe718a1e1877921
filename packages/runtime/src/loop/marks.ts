import type { ModelMessage, TextPart } from 'ai'

/** The key under which marks travel in `providerOptions`. They can only take trust away, so forging one gains nothing. */
export const MARK = 'gatewright'

/**
 * Text that the application puts into a message without standing for it: a pasted document, a mail body.
 *
 * `origin` says where it came from, for approvals and the audit.
 */
export function untrusted(text: string, origin: string): TextPart {
  return { type: 'text', text, providerOptions: { [MARK]: { untrusted: origin } } }
}

/** Text of another authenticated participant of the conversation. Its author is that participant, not the user. */
export function participant(who: `user:${string}`, text: string): TextPart {
  return { type: 'text', text, providerOptions: { [MARK]: { participant: who } } }
}

/** What a part is marked as. */
export type Mark =
  | { readonly kind: 'none' }
  | { readonly kind: 'untrusted'; readonly origin: string }
  | { readonly kind: 'participant'; readonly who: `user:${string}` }

/** The mark of a message or a part; a mark that cannot be read counts as untrusted. */
export function markOf({ providerOptions }: { providerOptions?: ModelMessage['providerOptions'] }): Mark {
  const mark = providerOptions?.[MARK]
  if (mark === undefined) return { kind: 'none' }
  const { untrusted: origin, participant: who } = mark
  if (typeof who === 'string' && who.startsWith('user:') && origin === undefined)
    return { kind: 'participant', who: who as `user:${string}` }
  return { kind: 'untrusted', origin: typeof origin === 'string' ? origin : 'unreadable mark' }
}
