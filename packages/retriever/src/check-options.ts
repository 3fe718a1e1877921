import { ConfigError } from '@gatewright/runtime'
import type { PermissionSource } from './permissions.ts'
import type { Asker, RetrieverOptions } from './retrieval.ts'

/** @throws {ConfigError} On what is not safe to start with; names the key. */
export function checkOptions({
  index,
  permissions,
  embed,
  postcheck,
  agentPermissions,
  exactUpTo,
  plansKeptMs,
  noSoonerThanMs,
  deadlines = {},
}: RetrieverOptions): void {
  for (const [key, source] of Object.entries({ permissions, agentPermissions })) {
    if (key === 'agentPermissions' && (source === undefined || source === 'unrestricted')) continue
    if (typeof (source as PermissionSource | undefined)?.check !== 'function')
      throw new ConfigError(key, source, 'a permission source: without one there is no retriever')
    const { plans } = (source as PermissionSource).capabilities
    if (postcheck !== 'allow' && plans.every((plan) => plan === 'postcheck'))
      throw new ConfigError(
        key,
        'a source that can only check afterwards',
        "another one, or postcheck: 'allow'",
      )
  }
  if (index.dimensions !== embed.dimensions || index.model !== embed.name)
    throw new ConfigError(
      'embed',
      `${embed.name} with ${embed.dimensions} dimensions`,
      `${index.model} with ${index.dimensions} dimensions, with which the index was made`,
    )
  if (exactUpTo !== undefined && !(Number.isInteger(exactUpTo) && exactUpTo >= 0))
    throw new ConfigError('exactUpTo', exactUpTo, 'a whole number of passages')
  // A plan says what somebody could be shown when it was made.
  if (plansKeptMs !== undefined && !(plansKeptMs >= 0 && plansKeptMs <= MOST_KEPT_MS))
    throw new ConfigError('plansKeptMs', plansKeptMs, `milliseconds from 0 to ${MOST_KEPT_MS}`)
  if (noSoonerThanMs !== undefined && !(noSoonerThanMs >= 0 && noSoonerThanMs <= MOST_KEPT_MS))
    throw new ConfigError('noSoonerThanMs', noSoonerThanMs, `milliseconds from 0 to ${MOST_KEPT_MS}`)
  for (const [part, ms] of Object.entries<number | undefined>({ ...deadlines }))
    if (ms !== undefined && !(ms > 0 && ms <= LONGEST_TIMER_MS))
      throw new ConfigError(`deadlines.${part}`, ms, 'milliseconds above 0, for less than 25 days')
}

const MOST_KEPT_MS = 60_000
/** A timer that is longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export function checkAsker({ subject, actor, tenant }: Asker): void {
  for (const [key, value] of Object.entries<string>({ subject, actor }))
    if (typeof value !== 'string' || value === '' || value === 'anyone')
      throw new ConfigError(key, value, 'an authenticated principal')
  if (tenant !== undefined && (typeof tenant !== 'string' || tenant === ''))
    throw new ConfigError('tenant', tenant, 'the name of a tenant, or none')
}

export function checkQuestion(text: unknown, k: number): void {
  if (typeof text !== 'string') throw new ConfigError('text', typeof text, 'a text')
  checkK(k)
}

const MOST_K = 100

/** @throws {ConfigError} On a number of passages that is none. */
export function checkK(k: number): void {
  if (!Number.isInteger(k) || k < 1 || k > MOST_K)
    throw new ConfigError('k', k, `a whole number from 1 to ${MOST_K}`)
}
