import { CompactSign, compactVerify, type CryptoKey, importJWK, type JWK } from 'jose'
import { ConfigError } from '../errors.ts'
import type { ApprovalRequest } from './approval.ts'

// Its own `typ`, so that no other signed artefact of the same key can be passed off as a decision (RFC 8725 §3.11).
const TYP = 'gatewright-approval+jwt'
// Fully specified (RFC 9864): `EdDSA` would also admit Ed448.
const ALG = 'Ed25519'
const LONGEST_STATEMENT = 8192

/** A person, or a system that answers for one, whose signed decisions count. */
export interface Approver {
  /** As approver rules of contracts name them. Never an agent. */
  readonly id: string
  /** Their Ed25519 public key. */
  readonly key: CryptoKey | JWK
  /** The `kid` of their statements. Default: their id. */
  readonly kid?: string
}

/** What an approver said, after its signature was checked. */
export interface Statement {
  readonly digest: string
  readonly decision: 'approve' | 'reject'
  readonly approver: string
  readonly decidedAt: Date
  readonly authenticatedAt: Date | undefined
}

/** Signs decisions on behalf of one approver. Keep it where no tool and no model can reach it. */
export type ApprovalSigner = (request: ApprovalRequest, decision: 'approve' | 'reject') => Promise<string>

export interface SignerOptions {
  /** The approver's id, as registered. */
  readonly approver: string
  readonly privateKey: CryptoKey | JWK
  readonly now: () => Date
  readonly kid?: string
  /** When the approver proved who they are (`auth_time`), if known. */
  readonly authenticatedAt?: () => Date | undefined
}

/** Sign decisions as compact JWS (RFC 7515) with Ed25519 (RFC 8037). */
export function approvalSigner(options: SignerOptions): ApprovalSigner {
  const { approver, privateKey, now, kid = approver, authenticatedAt } = options
  return async (request, decision) => {
    const auth = authenticatedAt?.()
    const payload = {
      digest: request.digest,
      decision,
      approver,
      iat: seconds(now()),
      ...(auth === undefined ? {} : { auth_time: seconds(auth) }),
    }
    return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: ALG, typ: TYP, kid })
      .sign(isJwk(privateKey) ? await importJWK(privateKey, ALG) : privateKey)
  }
}

/** Checks a statement's signature and form; undefined unless a registered approver made it. */
export type VerifyStatement = (statement: string) => Promise<Statement | undefined>

/**
 * Check statements against these approvers' keys.
 *
 * @throws {ConfigError} If there is none, or one is an agent, is named twice, or comes with anything but an Ed25519 public key.
 */
export function statementVerifier(approvers: readonly Approver[]): VerifyStatement {
  if (approvers.length === 0) throw new ConfigError('approvers', approvers, 'at least one approver')
  const known = new Map<string, Approver>()
  for (const approver of approvers) {
    const kid = approver.kid ?? approver.id
    checkApprover(approver)
    if (known.has(kid)) throw new ConfigError('approvers', kid, 'a different kid for each approver')
    known.set(kid, approver)
  }
  const imported = new Map<Approver, Promise<CryptoKey | Uint8Array>>()
  const keyOf = (approver: Approver): CryptoKey | Promise<CryptoKey | Uint8Array> => {
    if (!isJwk(approver.key)) return approver.key
    const key = imported.get(approver) ?? importJWK(approver.key, ALG)
    imported.set(approver, key)
    return key
  }
  return async (statement) => {
    if (typeof statement !== 'string' || statement.length > LONGEST_STATEMENT) return undefined
    try {
      let signer: Approver | undefined
      const { payload, protectedHeader } = await compactVerify(
        statement,
        async ({ kid }) => {
          signer = known.get(kid ?? '')
          if (signer === undefined) throw new Error('The statement names no registered approver.')
          return await keyOf(signer)
        },
        { algorithms: [ALG] },
      )
      if (protectedHeader.typ !== TYP || signer === undefined) return undefined
      return read(payload, signer.id)
    } catch {
      // Whatever is wrong with it, nobody who counts has said this.
      return undefined
    }
  }
}

/** Whether an approver is the agent, with or without its version. */
export function isAgent(approver: string, agent: string): boolean {
  const name = bare(approver)
  const acting = bare(agent)
  return name === acting || name === acting.slice(0, Math.max(0, acting.lastIndexOf('@')))
}

function bare(agent: string): string {
  return agent.replace(/^agent:/, '').toLowerCase()
}

function read(payload: Uint8Array, signer: string): Statement | undefined {
  const said = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as Record<
    string,
    unknown
  > | null
  if (typeof said !== 'object' || said === null) return undefined
  const { digest, decision, approver, iat, auth_time: auth } = said
  if (typeof digest !== 'string' || approver !== signer) return undefined
  if (decision !== 'approve' && decision !== 'reject') return undefined
  if (!isSeconds(iat) || (auth !== undefined && !isSeconds(auth))) return undefined
  const authenticatedAt = auth === undefined ? undefined : new Date(auth * 1000)
  return { digest, decision, approver: signer, decidedAt: new Date(iat * 1000), authenticatedAt }
}

function checkApprover({ id, key }: Approver): void {
  if (typeof id !== 'string' || id === '') throw new ConfigError('approvers', id, 'an approver with an id')
  if (id.startsWith('agent:')) throw new ConfigError(`approvers.${id}`, id, 'an approver who is not an agent')
  // A private key here would let whoever holds the guard approve its own calls.
  const fits = isJwk(key)
    ? key.kty === 'OKP' && key.crv === 'Ed25519' && typeof key.x === 'string' && key.d === undefined
    : key.type === 'public' && key.algorithm.name === 'Ed25519'
  if (!fits) throw new ConfigError(`approvers.${id}.key`, 'another kind of key', 'an Ed25519 public key')
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value < 1e11
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

function isJwk(key: CryptoKey | JWK): key is JWK {
  return 'kty' in key
}
