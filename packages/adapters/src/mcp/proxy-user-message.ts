import { createHash } from 'node:crypto'
import { ConfigError, GuardError } from '@gatewright/runtime'
import type { Store } from '@gatewright/runtime/store'
import { CompactSign, compactVerify, type CryptoKey, importJWK, type JWK } from 'jose'
import { isObject } from './definition.ts'

// Its own `typ`, so that nothing else that the application signs can be passed off as the user's words (RFC 8725 §3.11).
const TYP = 'gatewright-user-message+jwt'
// Fully specified (RFC 9864): `EdDSA` would also admit Ed448.
const ALG = 'Ed25519'
const LONGEST = 262_144
const CLOCK_MS = 5000

/** Where a signed message of the user travels: in `_meta` of a `tools/call`. */
export const USER_MESSAGE = 'gatewright/user-message'

/** What a user said to the agent, for one run of one proxy. */
export interface UserMessage {
  readonly subject: `user:${string}`
  /** The run, as the proxy names it in `_meta` of its list of tools. */
  readonly run: string
  readonly text: string
}

export interface UserMessageSignerOptions {
  /** The application's Ed25519 key. It belongs where the user's words come in, and where no model and no tool can use it. */
  readonly privateKey: CryptoKey | JWK
  readonly kid: string
  readonly now: () => Date
  /** Ids that nobody has used before; `crypto.randomUUID`. */
  readonly newId: () => string
}

/** Sign what the user said, as compact JWS (RFC 7515), for one use within minutes. */
export function userMessageSigner({
  privateKey,
  kid,
  now,
  newId,
}: UserMessageSignerOptions): (message: UserMessage) => Promise<string> {
  return async ({ subject, run, text }) => {
    const payload = { sub: subject, run, text, iat: Math.floor(now().getTime() / 1000), jti: newId() }
    return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: ALG, typ: TYP, kid })
      .sign('kty' in privateKey ? await importJWK(privateKey, ALG) : privateKey)
  }
}

export interface UserMessageOptions {
  /** Public keys of applications that may say what a user said, by `kid`. */
  readonly keys: Readonly<Record<string, CryptoKey | JWK>>
  /** Where it is kept which messages were used: shared by all processes of the proxy. */
  readonly store: Store
  /** How old a message may be, in milliseconds. Default 300,000. */
  readonly maxAgeMs?: number
  readonly now?: () => Date
}

/** The text of a message that was signed for this subject and run; throws unless it is good, and this its first use. */
export type CheckUserMessage = (
  statement: unknown,
  expected: { readonly subject: string; readonly run: string; readonly signal: AbortSignal },
) => Promise<string>

/** @throws {ConfigError} If there is no key, or one that is not an Ed25519 public key. */
export function userMessageCheck({
  keys,
  store,
  maxAgeMs = 300_000,
  now = () => new Date(),
}: UserMessageOptions): CheckUserMessage {
  if (Object.keys(keys).length === 0) throw new ConfigError('userMessages.keys', keys, 'at least one key')
  for (const [kid, key] of Object.entries(keys))
    if (!isPublic(key))
      throw new ConfigError(`userMessages.keys.${kid}`, 'another kind of key', 'an Ed25519 public key')
  if (!(Number.isFinite(maxAgeMs) && maxAgeMs > 0))
    throw new ConfigError('userMessages.maxAgeMs', maxAgeMs, 'milliseconds above 0')
  return async (statement, { subject, run, signal }) => {
    const said = await read(statement, keys)
    const age = now().getTime() - Number(said['iat']) * 1000
    const { jti, text } = said
    const isGood =
      said['sub'] === subject &&
      said['run'] === run &&
      typeof said['iat'] === 'number' &&
      age <= maxAgeMs &&
      age >= -CLOCK_MS &&
      typeof jti === 'string' &&
      jti !== '' &&
      typeof text === 'string' &&
      text.isWellFormed()
    if (!isGood) throw refused()
    const key = `user-message/${createHash('sha256').update(`${run}\n${jti}`).digest('base64url')}`
    const first = await store.compareAndSet(key, 0, '', { signal, ttlMs: maxAgeMs + 2 * CLOCK_MS })
    if (first === undefined) throw refused()
    return text
  }
}

async function read(
  statement: unknown,
  keys: UserMessageOptions['keys'],
): Promise<Readonly<Record<string, unknown>>> {
  if (typeof statement !== 'string' || statement.length > LONGEST) throw refused()
  try {
    const { payload, protectedHeader } = await compactVerify(
      statement,
      async ({ kid = '' }) => {
        const key = Object.hasOwn(keys, kid) ? keys[kid] : undefined
        if (key === undefined) throw refused()
        return 'kty' in key ? await importJWK(key, ALG) : key
      },
      { algorithms: [ALG] },
    )
    const said: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    if (protectedHeader.typ === TYP && isObject(said)) return said
  } catch {
    // Whatever is wrong with it, no application that counts has signed this.
  }
  throw refused()
}

// A private key here would let whoever runs the proxy speak for its users.
function isPublic(key: CryptoKey | JWK): boolean {
  return isJwk(key)
    ? key.kty === 'OKP' && key.crv === 'Ed25519' && typeof key.x === 'string' && key.d === undefined
    : key.type === 'public' && key.algorithm.name === ALG
}

function isJwk(key: CryptoKey | JWK): key is JWK {
  return 'kty' in key
}

function refused(): GuardError {
  return new GuardError(
    'ERR_SUBJECT_INVALID',
    'The message of the user was refused, so the call was not made.',
  )
}
