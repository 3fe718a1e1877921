import { createHmac } from 'node:crypto'
import type { Json } from '../json/plain.ts'
import type { Reason } from '../policy/decision.ts'
import type { AuditFact } from './event.ts'
import { holdsSecret, isSecretName, withoutSecrets } from './secret.ts'

/** Takes out of a fact what must not be kept. It runs before any sink sees the event. */
export type Redact = (fact: AuditFact) => AuditFact

/** What stands in the place of a value that was taken out. */
export interface Redacted {
  readonly redacted: 'content' | 'secret' | 'personal' | 'long'
  /** UTF-16 units of the value as text. */
  readonly length: number
  /** HMAC-SHA-256 in hex, where a key for it is configured. */
  readonly hmac?: string
}

export interface RedactionOptions {
  /**
   * `keep` writes control values, since an audit that cannot say to whom money went is of little use;
   * `redact` writes their lengths alone. Secrets are taken out either way. Default `keep`.
   */
  readonly control?: 'keep' | 'redact'
  /** More property names whose values are secret; `*` is any run of characters, case does not matter. */
  readonly secretNames?: readonly string[]
  /**
   * Write a keyed digest of content too, so that equal texts can be told to be equal. Without it only the length
   * is written: an unkeyed digest of a short text is found by guessing. Costs a hash of the content per event.
   */
  readonly digestKey?: Uint8Array
  /** A last step of your own, after the built-in ones. */
  readonly also?: Redact
}

const LONGEST_CONTROL_VALUE = 512
const LONGEST_TEXT = 2000
const LONGEST_KEY = 64
const LONGEST_NAME = 200

/**
 * The redaction that is done unless another is given.
 *
 * Argument leaves that are not control arguments become their length. Control values are kept unless their name
 * or form says that they are secret (credentials, tokens, private keys, payment cards) or they are very long.
 * Secrets in reasons and other texts are cut out. Of a result nothing is written but what the guard puts into
 * the fact: its size, and a digest if it gives one.
 */
export function redaction(options: RedactionOptions = {}): Redact {
  const also = options.also
  const names = secretNames(options.secretNames ?? [])
  const leaf = redactLeaf(options, names)
  return (fact) => {
    const kept = redactFact(fact, leaf)
    return also ? also(kept) : kept
  }
}

type RedactLeaf = (value: string | number | boolean | null, name: string, control: boolean) => Json

function redactFact(fact: AuditFact, leaf: RedactLeaf): AuditFact {
  switch (fact.type) {
    case 'decision': {
      const control = new Set<string>()
      for (const argument of fact.arguments) control.add(argument.path)
      return {
        ...fact,
        resource: { type: fact.resource.type, id: tidy(fact.resource.id) },
        input: redactInput(fact.input, '', '', control, leaf),
        reasons: fact.reasons.map(tidyReason),
      }
    }
    case 'tool-refused':
      return { ...fact, tool: tidyName(fact.tool) }
    case 'request-refused':
      return {
        ...fact,
        ...(fact.method !== undefined && { method: tidyName(fact.method) }),
        ...(fact.tool !== undefined && { tool: tidyName(fact.tool) }),
      }
    case 'halt':
    case 'relabel':
      return { ...fact, reason: tidy(fact.reason) }
    default:
      return fact
  }
}

function redactInput(
  value: Json,
  path: string,
  name: string,
  control: ReadonlySet<string>,
  leaf: RedactLeaf,
): Json {
  if (typeof value !== 'object' || value === null) return leaf(value, name, control.has(path))
  if (Array.isArray(value))
    return value.map((item: Json, index) =>
      redactInput(item, path === '' ? String(index) : `${path}.${index}`, name, control, leaf),
    )
  const out: Record<string, Json> = {}
  for (const key of Object.keys(value)) {
    const here = path === '' ? key : `${path}.${key}`
    out[tidyKey(key)] = redactInput((value as Record<string, Json>)[key] as Json, here, key, control, leaf)
  }
  return out
}

function redactLeaf({ control, digestKey }: RedactionOptions, names: (name: string) => boolean): RedactLeaf {
  const keepControl = control !== 'redact'
  return (value, name, isControl) => {
    if (value === null || typeof value === 'boolean') return names(name) ? marked('secret', 0) : value
    const text = String(value)
    if (names(name)) return marked('secret', text.length)
    if (!isControl)
      return marked(
        'content',
        text.length,
        digestKey && createHmac('sha256', digestKey).update(text).digest('hex'),
      )
    if (!keepControl) return marked('personal', text.length)
    if (text.length > LONGEST_CONTROL_VALUE) return marked('long', text.length)
    return holdsSecret(text) ? marked('secret', text.length) : value
  }
}

function marked(redacted: Redacted['redacted'], length: number, hmac?: string): Json {
  return hmac === undefined ? { redacted, length } : { redacted, length, hmac }
}

// A name that nobody here gave: it may be prose, or hold what should never be a name.
function tidyName(name: string): string {
  // Cut last: the first half of a secret has no form to be known by.
  const text = tidy(name)
  return text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}…` : text
}

function tidy(text: string): string {
  const short = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
  return withoutSecrets(short)
}

const tidyReasons = new WeakMap<Reason, Reason>()

// Most reasons are a rule's own, made once and given at each call.
function tidyReason(reason: Reason): Reason {
  const known = tidyReasons.get(reason)
  if (known !== undefined) return known
  const text = tidy(reason.text)
  const made = text === reason.text ? reason : { ...reason, text }
  if (Object.isFrozen(reason)) tidyReasons.set(reason, made)
  return made
}

// A free-form object can carry content in its keys too.
function tidyKey(key: string): string {
  return key.length > LONGEST_KEY || holdsSecret(key) ? `[${key.length} characters]` : key
}

function secretNames(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.length === 0) return isSecretName
  const sources = patterns.map((pattern) => pattern.split('*').map(literal).join('.*'))
  const more = new RegExp(`^(?:${sources.join('|')})$`, 'i')
  return (name) => isSecretName(name) || more.test(name)
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)
}
