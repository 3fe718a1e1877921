import type { RaiseAlert } from './control/alert.ts'
import { type Baseline, type BaselineOptions, createBaseline, type Unusual } from './control/baseline.ts'
import { BREAKER_OPEN_MS, type BreakerOptions, type Breakers, createBreakers } from './control/breaker.ts'
import { type Budget, checkBudgets, checkPrices, countsCost, type Prices } from './control/budget.ts'
import { type BreakerHints, createBreakerHints } from './control/breaker-hints.ts'
import { type Bulkheads, type Concurrency, createBulkheads } from './control/bulkhead.ts'
import { type GuardQuota, type Limits, millionths } from './control/quota.ts'
import { sharedRunTally } from './control/shared-tally.ts'
import {
  createRunTally,
  createViolations,
  type RunTally,
  type Threshold,
  type ViolationOptions,
  type ViolationTally,
} from './control/violation.ts'
import { quotaProblem, quotaShape } from './contract/parse-quota.ts'
import { ConfigError } from './errors.ts'
import type { Store } from './store/store.ts'
import { z } from 'zod'

/** What limits the runs of a guard, besides the quotas of contracts. */
export interface LimitOptions {
  /** Where quotas and budgets are counted, if not in the guard's `store`. */
  readonly store?: Limits
  /** Quotas over all tools together, or those listed. A function is asked at each call, so that they can change. */
  readonly quotas?: readonly GuardQuota[] | (() => readonly GuardQuota[])
  /** Budgets of the models. A function is asked at each request, so that they can change. */
  readonly budgets?: readonly Budget[] | (() => readonly Budget[])
  /** What models cost. Needed for every model as soon as anything counts cost. */
  readonly prices?: Prices
  /**
   * Tokens of a request's text, held until its use is known. Default: its bytes in UTF-8, which they never are more
   * than with the tokenizers in use, and usually a quarter of.
   */
  readonly countTokens?: (text: string) => number
  /**
   * Output tokens of a request that names no maximum of its own: held for it, and sent as its maximum.
   * Left out, 4,096 are held and nothing is sent.
   */
  readonly maxOutputTokens?: number
  readonly concurrency?: Concurrency
  /** A circuit breaker for each tool and tenant. On by default. */
  readonly breaker?: BreakerOptions | false
  /** What stops an agent that keeps being refused. On by default. */
  readonly violations?: ViolationOptions | false
  /** What stops a run that spends too fast; `limit` is in the currency of the prices. */
  readonly costRate?: { readonly run?: Threshold; readonly agent?: Threshold }
  /** Alerts on what is unlike the agent's own recent history. Off where left out. */
  readonly baseline?: BaselineOptions
  readonly alert?: RaiseAlert
}

/** The same, made ready for the runs of one guard. */
export interface LimitParts {
  readonly quotas: () => readonly GuardQuota[]
  readonly budgets: () => readonly Budget[]
  readonly prices: Prices
  readonly countTokens: (text: string) => number
  readonly maxOutputTokens: number | undefined
  /** Whether every model needs a price. */
  readonly countsCost: () => boolean
  readonly bulkheads: Bulkheads | undefined
  readonly breakers: Breakers | undefined
  readonly isFailure: (error: unknown, tool: string) => boolean
  readonly violations: ViolationTally | undefined
  readonly costRate: RunTally | undefined
  readonly baseline: Baseline | undefined
  readonly pause: ReadonlySet<Unusual>
  readonly alert: RaiseAlert | undefined
  /** Let go of timers, and of what was opened in the store. */
  close(): void
}

/** What limits need of the guard that they are made for. */
export interface LimitSurroundings {
  readonly now: () => Date
  readonly newId: () => string
  /** Where processes tell each other what they counted. */
  readonly store: Store | undefined
}

const KEYS: Readonly<Record<keyof LimitOptions, true>> = {
  store: true,
  quotas: true,
  budgets: true,
  prices: true,
  countTokens: true,
  maxOutputTokens: true,
  concurrency: true,
  breaker: true,
  violations: true,
  costRate: true,
  baseline: true,
  alert: true,
}

/**
 * Check the limits of a guard.
 *
 * @throws {ConfigError} Naming the key. A key that is not known is refused: a misspelt limit would be none.
 */
export function limitParts(given: LimitOptions, around: LimitSurroundings): LimitParts {
  for (const key of Object.keys(given))
    if (!Object.hasOwn(KEYS, key))
      throw new ConfigError(`limits.${key}`, key, `one of ${Object.keys(KEYS).join(', ')}`)
  const { prices = {}, concurrency, breaker = {}, violations = {}, costRate, baseline, alert } = given
  if (given.store !== undefined && typeof given.store?.reserve !== 'function')
    throw new ConfigError('limits.store', given.store, 'a store with reserve()')
  checkPrices('limits.prices', prices)
  const { maxOutputTokens } = given
  if (maxOutputTokens !== undefined && !(Number.isSafeInteger(maxOutputTokens) && maxOutputTokens > 0))
    throw new ConfigError('limits.maxOutputTokens', maxOutputTokens, 'a positive whole number of tokens')
  if (concurrency !== undefined) checkConcurrency(concurrency)
  if (breaker !== false) checkBreaker(breaker)
  if (violations !== false) checkViolations(violations)
  for (const scope of ['run', 'agent'] as const) checkThreshold(`limits.costRate.${scope}`, costRate?.[scope])
  const quotas = checked('limits.quotas', given.quotas ?? [], checkQuotas)
  const budgets = checked('limits.budgets', given.budgets ?? [], checkBudgets)
  const { breakers, hints } = breaker === false ? {} : sharedBreakers(breaker, around)
  return {
    quotas,
    budgets,
    prices,
    countTokens: given.countTokens ?? Buffer.byteLength,
    maxOutputTokens: given.maxOutputTokens,
    countsCost: () => costRate !== undefined || budgets().some(countsCost),
    bulkheads: concurrency && createBulkheads(concurrency),
    breakers,
    isFailure: (breaker === false ? undefined : breaker.isFailure) ?? (() => true),
    violations:
      violations === false
        ? undefined
        : createViolations(violations, (of) => tallyOf('violations', of, millionths, around)),
    costRate: costRate && tallyOf('cost rate', inMillionths(costRate), Math.ceil, around),
    baseline: baseline && createBaseline(around),
    pause: new Set(baseline?.pause),
    alert,
    close() {
      hints?.[Symbol.dispose]()
      breakers?.close()
    },
  }
}

type Thresholds = { readonly run?: Threshold | undefined; readonly agent?: Threshold | undefined }

function tallyOf(
  kind: string,
  of: Thresholds,
  whole: (amount: number) => number,
  { store, now, newId }: LimitSurroundings,
): RunTally {
  const { run, agent } = of
  const local = createRunTally({ run, agent }, { now })
  return store === undefined ? local : sharedRunTally(local, { store, kind, run, agent, whole, newId })
}

function sharedBreakers(
  options: BreakerOptions,
  { store, now, newId }: LimitSurroundings,
): { breakers: Breakers; hints?: BreakerHints } {
  if (store === undefined) return { breakers: createBreakers(options, { now }) }
  const { openMs = BREAKER_OPEN_MS, onChange } = options
  const told: BreakerOptions['onChange'] = (change) => {
    hints.publish(change)
    onChange?.(change)
  }
  const breakers = createBreakers({ ...options, onChange: told }, { now })
  const hints = createBreakerHints({ store, hear: breakers.hear, openMs, newId })
  return { breakers, hints }
}

/** What is given once is checked once; what is asked for is checked when it is another than before. */
function checked<T extends readonly object[]>(
  key: string,
  given: T | (() => T),
  check: (key: string, list: unknown) => void,
): () => T {
  if (typeof given !== 'function') {
    check(key, given)
    return () => given
  }
  let last: T | undefined
  return () => {
    const list = given()
    if (list !== last) check(key, list)
    last = list
    return list
  }
}

const GUARD_QUOTA = z.strictObject({
  ...quotaShape,
  tools: z.array(z.string().min(1)).min(1, { error: 'a list of tools' }).optional(),
})

function checkQuotas(key: string, given: unknown): void {
  if (!Array.isArray(given)) throw new ConfigError(key, given, 'a list of quotas')
  for (const [index, one] of given.entries()) {
    const parsed = GUARD_QUOTA.safeParse(one)
    const issue = parsed.error?.issues[0]
    if (issue !== undefined) throw new ConfigError([key, index, ...issue.path].join('.'), one, issue.message)
    const problem = quotaProblem(one as GuardQuota, undefined)
    if (problem !== undefined)
      throw new ConfigError(`${key}.${index}.${problem.key}`, problem.given, problem.expected)
  }
}

function checkConcurrency({ tool, tools = {}, tenant, waiting }: Concurrency): void {
  const all = {
    tool,
    tenant,
    ...Object.fromEntries(Object.entries(tools).map(([name, n]) => [`tools.${name}`, n])),
  }
  for (const [key, most] of Object.entries(all))
    if (most !== undefined && !(Number.isSafeInteger(most) && most > 0))
      throw new ConfigError(`limits.concurrency.${key}`, most, 'a whole number of calls from 1 up')
  if (waiting !== undefined && !(Number.isSafeInteger(waiting) && waiting >= 0))
    throw new ConfigError('limits.concurrency.waiting', waiting, 'a whole number of calls')
}

function checkBreaker({ failurePercent = 50, ...numbers }: BreakerOptions): void {
  if (!(failurePercent >= 0 && failurePercent < 100))
    throw new ConfigError('limits.breaker.failurePercent', failurePercent, 'a share from 0 up, below 100')
  for (const key of ['fewest', 'windowMs', 'openMs'] as const) {
    const given = numbers[key]
    if (given !== undefined && !(Number.isSafeInteger(given) && given > 0))
      throw new ConfigError(`limits.breaker.${key}`, given, 'a positive whole number')
  }
}

function checkViolations({ weights = {}, run, agent }: ViolationOptions): void {
  for (const [kind, weight] of Object.entries(weights)) {
    if (!['refusal', 'rejected', 'destination', 'credential'].includes(kind))
      throw new ConfigError(`limits.violations.weights.${kind}`, kind, 'a kind of violation')
    if (!(typeof weight === 'number' && weight >= 0))
      throw new ConfigError(`limits.violations.weights.${kind}`, weight, 'a number from 0 up')
  }
  checkThreshold('limits.violations.run', run)
  checkThreshold('limits.violations.agent', agent)
}

function checkThreshold(key: string, given: Threshold | undefined): void {
  if (given === undefined) return
  if (!(given.limit > 0 && given.windowMs > 0 && Number.isFinite(given.windowMs)))
    throw new ConfigError(key, given, '{ limit, windowMs }, both above 0')
}

function inMillionths(of: NonNullable<LimitOptions['costRate']>): NonNullable<LimitOptions['costRate']> {
  const scaled = (one: Threshold | undefined): Threshold | undefined =>
    one && { ...one, limit: one.limit * 1e6 }
  const run = scaled(of.run)
  const agent = scaled(of.agent)
  return { ...(run && { run }), ...(agent && { agent }) }
}
