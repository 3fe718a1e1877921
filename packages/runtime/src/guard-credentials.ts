import { setTimeout as sleep } from 'node:timers/promises'
import type { Audit } from './audit/audit.ts'
import type { HaltDetail, Halts, HaltScope } from './control/halt.ts'
import type { HaltHook } from './control/halt-hooks.ts'
import { type HaltSubject, keyOf, keysOf } from './control/halt-scope.ts'
import type { CredentialEvent, Credentials } from './credentials/credentials.ts'
import type { LiveCredential } from './credentials/held-token.ts'
import { createInventory, type Inventory, liveCredentials } from './credentials/inventory.ts'
import type { RevokedScope } from './credentials/issuer.ts'
import type { Revocation } from './credentials/revoke.ts'
import type { CredentialSource, RunBehind } from './credentials/source.ts'
import { ConfigError } from './errors.ts'
import type { Store } from './store/store.ts'

/** The tokens that agents hold: which there are, and the way to end them. */
export interface GuardCredentials {
  /**
   * Which tokens exist, for whom, where they are held and until when: those of this process, and with a store those
   * that every process which shares it has recorded. Never a token itself.
   */
  live(of?: { readonly agent?: string }): Promise<readonly LiveCredential[]>
  /**
   * Revoke the tokens of a run, session, user, agent, tenant, or all, that this process holds, and say of each what
   * came of it. It halts nothing: what still runs may get another one, unless its issuer refuses.
   */
  revoke(scope: RevokedScope): Promise<readonly Revocation[]>
}

export interface LinkOptions {
  readonly source: CredentialSource | undefined
  readonly halts: Pick<Halts, 'haltOf'>
  readonly audit: Audit
  readonly store: Store | undefined
  /** `agent:id@version`. */
  readonly actor: string
  readonly now: () => Date
}

/** What ties the tokens of a guard to its kill switch, its audit and its store. */
export interface CredentialLink extends Disposable {
  readonly credentials: GuardCredentials | undefined
  /** Revokes what a halt covers. */
  readonly hooks: readonly HaltHook[]
}

const OTHERS_MS = 3000
const LOOK_AGAIN_MS = 50
const ANSWER_MS = 5000

/** @throws {ConfigError} For what is no source of credentials. */
export function linkCredentials(options: LinkOptions): CredentialLink {
  const { source, halts, store, now } = options
  if (source !== undefined && typeof source?.issue !== 'function')
    throw new ConfigError('credentials', typeof source, 'what createCredentials() returned')
  // A source of the developer's own keeps its own books.
  if (source === undefined || !isBroker(source))
    return { credentials: undefined, hooks: [], [Symbol.dispose]: () => {} }
  const inventory = store === undefined ? undefined : createInventory(store)
  const attached = source.attach({
    isHalted: (owner) => subjectsOf(owner).some((one) => halts.haltOf(one) !== undefined),
    async record(event, call) {
      if (event.owner.actor !== options.actor) return
      await audited(options.audit, event, call)
      if (event.action !== 'refused') await inventory?.put(event.credential, now(), call)
    },
  })
  const live: GuardCredentials['live'] = async ({ agent } = {}) => {
    const own = source.held().filter((one) => agent === undefined || isAgents(one, agent))
    if (store === undefined) return own
    const others = await liveCredentials(store, { agent }, { signal: AbortSignal.timeout(ANSWER_MS) })
    return [...own, ...others.filter(({ heldBy }) => heldBy !== source.heldBy)]
  }
  const revoke = async (scope: RevokedScope, signal: AbortSignal): Promise<readonly Revocation[]> => {
    const key = keyOf(scope)
    return await source.revoke(
      { scope, matches: (owner) => subjectsOf(owner).some((one) => keysOf(one).includes(key)) },
      { signal },
    )
  }
  return {
    credentials: { live, revoke: (scope) => revoke(scope, AbortSignal.timeout(ANSWER_MS)) },
    hooks: [
      {
        name: 'credentials',
        async run({ scope }, { signal }) {
          // A token is not of one tool: what others of the run may still do goes on.
          if ('tool' in scope) return undefined
          const ended = await revoke(scope, signal)
          const others =
            inventory === undefined ? [] : await othersEnded(inventory, scope, source.heldBy, now, signal)
          const details = [...ended.map(detailOf), ...others]
          return { confirmed: details.every(({ confirmed }) => confirmed), details }
        },
      },
    ],
    [Symbol.dispose]: () => attached[Symbol.dispose](),
  }
}

/** What became of the tokens that other processes hold: they revoke them when they hear of the halt, and say so. */
async function othersEnded(
  inventory: Inventory,
  scope: HaltScope,
  heldBy: string,
  now: () => Date,
  signal: AbortSignal,
): Promise<readonly HaltDetail[]> {
  const until = performance.now() + OTHERS_MS
  for (;;) {
    const covered = (await inventory.list({ signal })).filter(
      (one) => one.heldBy !== heldBy && isOf(one, scope) && Date.parse(one.expires) > now().getTime(),
    )
    const open = covered.some(({ state }) => state === 'live' || state === 'dropped')
    if (!open || performance.now() >= until)
      return covered.map(({ id, subject, agent, issuer, heldBy: holder, state, expires }) => ({
        what: `token ${id} of ${subject ?? agent} at ${issuer}, held by ${holder}`,
        confirmed: state === 'revoked',
        detail:
          state === 'revoked'
            ? 'Revoked by the process that holds it.'
            : `The process that holds it has not confirmed that; it runs out at ${expires}.`,
      }))
    await sleep(LOOK_AGAIN_MS, undefined, { signal })
  }
}

function detailOf({ kind, id, subject, agent, issuer, confirmed, detail }: Revocation): HaltDetail {
  const whose = subject ?? agent ?? 'the agent'
  const what =
    kind === 'token'
      ? `token ${id ?? ''} of ${whose} at ${issuer}`
      : kind === 'exchange'
        ? `an exchange for ${whose} at ${issuer}`
        : `the standing of the agent at ${issuer}`
  return { what, confirmed, detail }
}

async function audited(
  audit: Audit,
  event: CredentialEvent,
  call: { readonly signal: AbortSignal },
): Promise<void> {
  const { run, session, subject, tenant } = event.owner
  const within = audit.within({ run, session, subject, tenant })
  if (event.action === 'refused') {
    const { issuer, audience, reason } = event
    await within.record({ type: 'credential', action: 'refused', issuer, audience, reason }, call)
    return
  }
  const { id, issuer, audience, scopes, expires } = event.credential
  const fact = { type: 'credential', id, issuer, audience, scopes, expires } as const
  if (event.action === 'issued') await within.record({ ...fact, action: 'issued' }, call)
  else await within.record({ ...fact, action: 'revoked', confirmed: event.ended.confirmed }, call)
}

/** As what a token can be halted: as its own run's, and as that of each run for which that one acts. */
function subjectsOf({ run, session, subject, actor: agent, tenant, behind = [] }: OwnerFacts): HaltSubject[] {
  const own = { run, session, user: subject, agent, tenant }
  return [own, ...behind.map((one) => ({ ...own, session: undefined, ...one }))]
}

interface OwnerFacts extends Pick<HaltSubject, 'run' | 'session' | 'tenant'> {
  readonly subject?: string | undefined
  readonly actor: string
  readonly behind?: readonly RunBehind[] | undefined
}

function isOf(one: LiveCredential, scope: HaltScope): boolean {
  const key = keyOf(scope)
  return subjectsOf({ ...one, actor: one.agent }).some((subject) => keysOf(subject).includes(key))
}

/** Held by the agent itself, not by one that acts for it. */
function isAgents(one: LiveCredential, agent: string): boolean {
  return isOf({ ...one, behind: [] }, { agent })
}

function isBroker(source: CredentialSource): source is Credentials {
  return 'attach' in source && 'revoke' in source && 'held' in source
}
