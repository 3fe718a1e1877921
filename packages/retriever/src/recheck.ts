import { within } from './deadline.ts'
import type { Access, Checked, CheckItem, PermissionSource } from './permissions.ts'

/** Why a hit was not handed over. For an operator and the audit; the model is told nothing of it. */
export type DropReason =
  /** The source says no. */
  | 'denied'
  /** The source could not be asked, or took too long. */
  | 'unchecked'
  /** The source gave no answer for it. */
  | 'unanswered'
  /** It was found in another version than it has now. */
  | 'changed'
  /** Its permissions changed, and who may read it now is not known. */
  | 'relabelled'

export type Rechecked =
  | {
      readonly permitted: true
      /** Who may read it now, where the source says so. */
      readonly readers: readonly string[] | undefined
      readonly denied: readonly string[] | undefined
      /** The version of its permissions that these are of. */
      readonly aclVersion: string | undefined
    }
  | { readonly permitted: false; readonly reason: DropReason; readonly why?: string | undefined }

/** Somebody whose word is needed, and the source that knows what they may read. */
export interface Party {
  readonly access: Access
  readonly source: PermissionSource
  readonly consistencyToken?: string | undefined
}

const MOST_AT_ONCE = 1000

export interface RecheckOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** The items have their labels already: one whose permissions changed since is not permitted. */
  readonly areLabelled?: boolean
}

/**
 * Ask each party's source about documents as they stand now: one answer an item, in order.
 *
 * Permitted is only what every source permits, in the version that was found. A source that throws, takes longer than
 * `timeoutMs` or leaves an answer out denies what it was asked. Nothing is kept for another time.
 */
export async function recheck(
  parties: readonly Party[],
  items: readonly CheckItem[],
  options: RecheckOptions,
): Promise<readonly Rechecked[]> {
  // Passages of one document share an answer.
  const keys = items.map(({ document, version, aclVersion }) =>
    JSON.stringify([document, version, aclVersion]),
  )
  const distinct = new Map(items.map((item, at) => [keys[at] as string, item]))
  const asked = [...distinct.values()]
  const answers = await Promise.all(parties.map((party) => ask(party, asked, options)))
  const byKey = new Map([...distinct.keys()].map((key, at) => [key, joined(answers.map((of) => of[at]))]))
  return keys.map((key) => byKey.get(key) ?? { permitted: false, reason: 'unanswered' })
}

async function ask(
  { access, source, consistencyToken }: Party,
  items: readonly CheckItem[],
  { timeoutMs, signal, areLabelled = false }: RecheckOptions,
): Promise<readonly Rechecked[]> {
  const most = Math.min(source.capabilities.maxBatch ?? MOST_AT_ONCE, MOST_AT_ONCE)
  const batches: CheckItem[][] = []
  for (let at = 0; at < items.length; at += most) batches.push(items.slice(at, at + most))
  const answers = await Promise.all(
    batches.map(async (batch) => {
      try {
        const checked = await within(timeoutMs, signal, (cut) =>
          source.check(access, batch, {
            signal: cut,
            ...(consistencyToken === undefined ? {} : { consistencyToken }),
          }),
        )
        // Answers that cannot be matched to items are no answers.
        if (!Array.isArray(checked) || checked.length > batch.length)
          throw new TypeError('Not one answer an item.')
        return batch.map((item, at) => judged(item, checked[at] as Checked | undefined, areLabelled))
      } catch {
        signal.throwIfAborted()
        return batch.map((): Rechecked => ({ permitted: false, reason: 'unchecked' }))
      }
    }),
  )
  return answers.flat()
}

function judged(item: CheckItem, checked: Checked | undefined, isLabelled: boolean): Rechecked {
  if (typeof checked !== 'object' || checked === null) return { permitted: false, reason: 'unanswered' }
  const { permitted, version, aclVersion, readers, denied, why } = checked
  if (permitted !== true) return { permitted: false, reason: 'denied', why }
  if (version !== undefined && version !== item.version) return { permitted: false, reason: 'changed', why }
  const isMoved = aclVersion !== undefined && aclVersion !== item.aclVersion
  if (isMoved && (isLabelled || readers === undefined)) return { permitted: false, reason: 'relabelled', why }
  return { permitted: true, readers, denied, aclVersion: aclVersion ?? item.aclVersion }
}

function joined(answers: readonly (Rechecked | undefined)[]): Rechecked {
  let all: Rechecked | undefined
  for (const one of answers) {
    if (one === undefined) return { permitted: false, reason: 'unanswered' }
    if (!one.permitted) return one
    // The first is the user's source; the agent's own says nothing of who else may read.
    all ??= one
  }
  return all ?? { permitted: false, reason: 'unanswered' }
}
