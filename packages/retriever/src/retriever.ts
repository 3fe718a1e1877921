import { GuardError, type PrincipalId, UnavailableError } from '@gatewright/runtime'
import { within } from './deadline.ts'
import { checkAsker, checkOptions, checkQuestion } from './check-options.ts'
import { explainWith } from './explain.ts'
import { joinPlans } from './join-plans.ts'
import { labelPassage } from './label-hits.ts'
import type { Access, CheckItem, PermissionSource } from './permissions.ts'
import { createPlanner } from './plan.ts'
import { type Party, recheck } from './recheck.ts'
import type { Asker, Dropped, RetrievalEvent, Retriever, RetrieverOptions } from './retrieval.ts'
import { type Found, searchRounds } from './rounds.ts'
import type { IndexScope } from './search-index.ts'

const DEADLINES = { plan: 2000, embed: 10_000, search: 5000, check: 2000, total: 20_000 } as const

/**
 * Create a retriever: plan, search, recheck, label.
 *
 * @throws {ConfigError} With no permission source; with an index made by another embedder; with a source that can only
 * check afterwards, unless `postcheck` allows it.
 */
export function createRetriever(options: RetrieverOptions): Retriever {
  const { index, permissions, embed, agentPermissions = permissions } = options
  const { type = 'document', action = 'read', exactUpTo = 5000, plansKeptMs = 2000 } = options
  const { audit, elapsed = () => performance.now(), noSoonerThanMs = 0 } = options
  checkOptions(options)
  const kind = options.kind ?? (index.capabilities.kinds.includes('fused') ? 'fused' : 'vector')
  const deadlines = { ...DEADLINES, ...options.deadlines }
  let halts = 0
  const planner = (source: PermissionSource): ReturnType<typeof createPlanner> =>
    createPlanner({
      source,
      keptMs: plansKeptMs,
      timeoutMs: deadlines.plan,
      elapsed,
      epoch: () => `${halts}`,
    })
  const planUser = planner(permissions)
  const planAgent = agentPermissions === 'unrestricted' ? undefined : planner(agentPermissions)

  const accessOf = (asker: Asker, subject: PrincipalId): Access => ({
    subject,
    tenant: asker.tenant,
    action,
    type,
    // What is known of the user is not known of the agent.
    ...(asker.attributes === undefined || subject !== asker.subject ? {} : { attributes: asker.attributes }),
  })

  const partiesOf = (asker: Asker, tokens: readonly (string | undefined)[] = []): Party[] => [
    { access: accessOf(asker, asker.subject), source: permissions, consistencyToken: tokens[0] },
    ...(agentPermissions === 'unrestricted'
      ? []
      : [{ access: accessOf(asker, asker.actor), source: agentPermissions, consistencyToken: tokens[1] }]),
  ]

  async function planFor(asker: Asker, signal: AbortSignal) {
    const [user, agent] = await Promise.all([
      planUser(accessOf(asker, asker.subject), signal),
      planAgent?.(accessOf(asker, asker.actor), signal),
    ])
    const joined = joinPlans(user.plan, agent?.plan ?? { kind: 'all' })
    if (joined.postcheck && options.postcheck !== 'allow')
      throw new UnavailableError(
        'ERR_POLICY_UNAVAILABLE',
        'What may be retrieved cannot be established before a search.',
      )
    const walls = { subject: user.principals, actor: agent?.principals }
    const scope: IndexScope = {
      tenant: asker.tenant,
      type,
      principals: walls.subject === undefined && walls.actor === undefined ? undefined : walls,
    }
    return { user, agent, joined, scope }
  }

  const embedOne = async (text: string, signal: AbortSignal): Promise<readonly number[]> => {
    const [vector] = await unavailable(
      within(deadlines.embed, signal, (cut) => embed.embed([text], { signal: cut })),
      signal,
    )
    if (vector?.length !== index.dimensions || !vector.every((one) => Number.isFinite(one)))
      throw new UnavailableError('ERR_STORE_UNAVAILABLE', 'The query could not be turned into a vector.')
    return vector
  }

  async function found(asker: Asker, text: string, k: number, signal: AbortSignal): Promise<Found> {
    const { user, agent, joined, scope } = await planFor(asker, signal)
    const parties = partiesOf(asker, [user.consistencyToken, agent?.consistencyToken])
    if (joined.plan.kind === 'none')
      return { passages: [], dropped: [], rounds: 0, complete: joined.complete, joined }
    const embedding = kind === 'text' ? [] : await embedOne(text, signal)
    return searchRounds({
      index,
      joined,
      scope,
      query: { text, embedding },
      kind,
      k,
      exactUpTo,
      inTime: (work) => unavailable(within(deadlines.search, signal, work), signal),
      recheck: (items) => recheck(parties, items, { timeoutMs: deadlines.check, signal }),
      label: (passage, checked) => labelPassage(passage, checked, asker),
    })
  }

  async function record(event: RetrievalEvent, signal: AbortSignal): Promise<void> {
    try {
      await within(deadlines.total, signal, async () => audit?.(event))
    } catch (cause) {
      signal.throwIfAborted()
      throw new UnavailableError('ERR_AUDIT_UNAVAILABLE', 'The retrieval could not be recorded.', { cause })
    }
  }

  return {
    name: `retriever over ${index.name}`,
    async retrieve(asker, { text, k = 10 }, { signal }) {
      checkAsker(asker)
      checkQuestion(text, k)
      const started = elapsed()
      const out = await within(deadlines.total, signal, (cut) => found(asker, text, k, cut)).catch(
        (error: unknown) => {
          signal.throwIfAborted()
          throw unavailableFor(error)
        },
      )
      const { passages, dropped, rounds, complete, joined } = out
      await record(
        {
          type: 'retrieval',
          ...whoIs(asker),
          plan: joined.plan.kind,
          rounds,
          handedOver: passages.map(({ document, version }) => ({ document, version })),
          dropped,
          complete,
          postcheck: joined.postcheck,
          durationMs: elapsed() - started,
        },
        signal,
      )
      await pause(noSoonerThanMs - (elapsed() - started), signal)
      return { passages, complete }
    },
    async recheck(asker, passages, { signal }) {
      checkAsker(asker)
      if (passages.length === 0) return []
      const started = elapsed()
      const items = passages.map(({ document, version, aclVersion }) => ({ document, version, aclVersion }))
      const timeoutMs = Math.min(deadlines.check, deadlines.total)
      const answers = await recheck(partiesOf(asker), items, { timeoutMs, signal, areLabelled: true })
      const dropped = answers.flatMap((answer, at): Dropped[] => {
        const { document, version } = items[at] as CheckItem
        return answer.permitted ? [] : [{ document, version, reason: answer.reason, why: answer.why }]
      })
      const may = answers.map(({ permitted }) => permitted)
      if (dropped.length > 0)
        await record(
          {
            type: 'recheck',
            ...whoIs(asker),
            plan: undefined,
            rounds: 0,
            handedOver: items
              .filter((_, at) => may[at])
              .map(({ document, version }) => ({ document, version })),
            dropped,
            complete: true,
            postcheck: false,
            durationMs: elapsed() - started,
          },
          signal,
        )
      return may
    },
    explain: (asker, what, { signal }) =>
      within(deadlines.total, signal, async (cut) => {
        checkAsker(asker)
        const planned = await planFor(asker, cut)
        const tokens = [planned.user.consistencyToken, planned.agent?.consistencyToken]
        const parties = partiesOf(asker, tokens)
        return explainWith(
          { index, asker, type, kind, ...planned, parties, checkMs: deadlines.check },
          what,
          (text) => embedOne(text, cut),
          cut,
        )
      }),
    haltHook: {
      name: 'retriever: forget plans',
      run() {
        halts += 1
      },
    },
    describe: () => ({
      index: index.name,
      permissions: permissions.name,
      agent:
        agentPermissions === 'unrestricted'
          ? 'unrestricted: whatever its user may read'
          : agentPermissions.name,
      embedder: embed.name,
      wall: !index.capabilities.rowLevelSecurity
        ? 'none: the plan alone'
        : permissions.principals === undefined
          ? 'the tenant alone: permissions do not go by the access lists of the index'
          : 'row-level security',
      before:
        options.postcheck === 'allow'
          ? 'postcheck allowed: some plans say nothing before a search'
          : 'planned',
    }),
  }
}

function whoIs({ subject, actor, tenant }: Asker): Pick<RetrievalEvent, 'subject' | 'actor' | 'tenant'> {
  return { subject, actor, tenant }
}

/** Whatever an index or an embedder throws is theirs; that they failed is all that is passed on. */
async function unavailable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work
  } catch (cause) {
    signal.throwIfAborted()
    if (GuardError.isInstance(cause) && cause.code === 'ERR_CONFIG_INVALID') throw cause
    throw new UnavailableError('ERR_STORE_UNAVAILABLE', 'The index could not be searched.', { cause })
  }
}

function unavailableFor(error: unknown): unknown {
  if (GuardError.isInstance(error)) return error
  const isLate = error instanceof DOMException && error.name === 'TimeoutError'
  const what = isLate ? 'The retrieval did not end in time.' : 'The retrieval could not be done.'
  return new UnavailableError('ERR_STORE_UNAVAILABLE', what, { cause: error })
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (!(ms > 0)) return
  await within(ms * 2 + 1000, signal, () => new Promise<void>((resolve) => setTimeout(resolve, ms)))
}
