import { ConfigError } from '../errors.ts'
import { accountKey, isOfRun, type Limit, millionths, type QuotaScope } from './quota.ts'

/** The most that a model may use. Counted over all models under guard, each request on its own. */
export type Budget = {
  readonly per: 'run' | 'session' | 'user' | 'agent' | 'tenant'
  /** Length of the window in milliseconds; the lifetime of the scope where left out. */
  readonly windowMs?: number
  /** Default `fixed`. */
  readonly window?: 'fixed' | 'sliding'
} & (
  | { readonly tokens: number }
  | { readonly inputTokens: number }
  | { readonly outputTokens: number }
  /** In the currency of your prices. */
  | { readonly cost: number }
)

/** What a model costs, in a currency of yours for each million tokens. */
export interface Price {
  readonly input: number
  readonly output: number
  /** Input that the provider had cached. Default: as input. */
  readonly cachedInput?: number
  /** Input that the provider puts into its cache. Default: as input. */
  readonly cacheWrite?: number
}

/** Prices by model, as `modelId` or `provider/modelId`; the latter wins. */
export type Prices = Readonly<Record<string, Price>>

/** Tokens of one request. What is undefined is not known. */
export interface TokenUse {
  readonly input: number | undefined
  readonly output: number | undefined
  readonly cacheRead?: number | undefined
  readonly cacheWrite?: number | undefined
}

type BudgetUnit = 'tokens' | 'inputTokens' | 'outputTokens' | 'cost'

/** A limit that a model request draws on. */
export interface BudgetLimit extends Limit {
  readonly unit: BudgetUnit
  readonly name: string
  /** A total of this run alone: to be forgotten with it. */
  readonly isOfRun: boolean
}

const UNITS = ['tokens', 'inputTokens', 'outputTokens', 'cost'] as const

/** What a request would take from each budget, if it used this many tokens. */
export function budgetLimits(
  budgets: readonly Budget[],
  scope: QuotaScope,
  use: { readonly input: number; readonly output: number },
  price: Price | undefined,
): readonly BudgetLimit[] {
  return budgets.map((budget) => {
    const unit = unitOf(budget)
    const most = (budget as Readonly<Record<string, unknown>>)[unit] as number
    const { per, windowMs, window } = budget
    const sliding = window === 'sliding'
    const length = windowMs === undefined ? '' : ` in ${sliding ? 'any ' : ''}${windowMs} ms`
    return {
      // Beside the quotas' accounts, and never one of them: a tool's cost is another's currency.
      key: accountKey(`model ${unit}`, null, per, scope),
      limit: unit === 'cost' ? millionths(most) : most,
      amount: usedOf(unit, use, price) ?? 0,
      unit,
      name: `${most} ${unit} per ${per}${length} (models)`,
      isOfRun: windowMs === undefined && isOfRun(per, scope),
      ...(windowMs === undefined ? {} : { windowMs }),
      ...(sliding ? { sliding } : {}),
    }
  })
}

/** What was used of each account, for those that can be told; the others stay charged as they were held. */
export function budgetUse(
  limits: readonly BudgetLimit[],
  use: TokenUse,
  price: Price | undefined,
): Record<string, number> {
  const out: Record<string, number> = {}
  for (const { key, unit } of limits) {
    const used = usedOf(unit, use, price)
    if (used !== undefined) out[key] = used
  }
  return out
}

/** The cost of a request in millionths; undefined where its tokens or its price are not known. */
export function costOf(use: TokenUse, price: Price | undefined): number | undefined {
  const { input, output, cacheRead = 0, cacheWrite = 0 } = use
  if (price === undefined || input === undefined || output === undefined) return undefined
  const fresh = Math.max(0, input - cacheRead - cacheWrite)
  const { cachedInput = price.input, cacheWrite: writing = price.input } = price
  // A price for a million tokens is a price in millionths for one.
  return Math.ceil(
    Number(
      (fresh * price.input + cacheRead * cachedInput + cacheWrite * writing + output * price.output).toFixed(
        3,
      ),
    ),
  )
}

/** The price of a model, if there is one. */
export function priceOf(
  prices: Prices,
  { provider, modelId }: { readonly provider: string; readonly modelId: string },
): Price | undefined {
  for (const name of [`${provider}/${modelId}`, modelId]) if (Object.hasOwn(prices, name)) return prices[name]
  return undefined
}

function usedOf(unit: BudgetUnit, use: TokenUse, price: Price | undefined): number | undefined {
  const { input, output } = use
  switch (unit) {
    case 'tokens':
      return input === undefined || output === undefined ? undefined : input + output
    case 'inputTokens':
      return input
    case 'outputTokens':
      return output
    case 'cost':
      return costOf(use, price)
    default:
      return unit satisfies never
  }
}

/** Whether a budget is one of money, for which every model needs a price. */
export function countsCost(budget: Budget): boolean {
  return 'cost' in budget
}

function unitOf(budget: Budget): BudgetUnit {
  return UNITS.find((unit) => unit in budget) as BudgetUnit
}

/** @throws {ConfigError} Naming the key. */
export function checkBudgets(key: string, budgets: unknown): asserts budgets is readonly Budget[] {
  if (!Array.isArray(budgets)) throw new ConfigError(key, budgets, 'a list of budgets')
  for (const [index, given] of budgets.entries()) {
    const at = `${key}.${index}`
    if (typeof given !== 'object' || given === null) throw new ConfigError(at, given, 'a budget')
    const budget = given as Record<string, unknown>
    const units = UNITS.filter((unit) => unit in budget)
    if (units.length !== 1)
      throw new ConfigError(at, budget, 'exactly one of tokens, inputTokens, outputTokens, cost')
    const { per, windowMs, window = 'fixed' } = budget
    const unknown = Object.keys(budget).find((one) => !['per', 'windowMs', 'window', ...units].includes(one))
    if (unknown !== undefined) throw new ConfigError(`${at}.${unknown}`, budget[unknown], 'no such key')
    const most = budget[units[0] as string]
    if (!(typeof most === 'number' && most > 0))
      throw new ConfigError(`${at}.${units[0]}`, most, 'a number above 0')
    if (!['run', 'session', 'user', 'agent', 'tenant'].includes(per as string))
      throw new ConfigError(`${at}.per`, per, "'run', 'session', 'user', 'agent' or 'tenant'")
    if (windowMs !== undefined && !(Number.isSafeInteger(windowMs) && (windowMs as number) > 0))
      throw new ConfigError(`${at}.windowMs`, windowMs, 'a positive whole number of milliseconds')
    if (window !== 'fixed' && window !== 'sliding')
      throw new ConfigError(`${at}.window`, window, "'fixed' or 'sliding'")
    if (window === 'sliding' && windowMs === undefined)
      throw new ConfigError(`${at}.windowMs`, windowMs, 'a length for the sliding window')
  }
}

/** @throws {ConfigError} Naming the key. */
export function checkPrices(key: string, prices: Prices): void {
  for (const [model, price] of Object.entries(prices)) {
    const { input, output, cachedInput = 0, cacheWrite = 0, ...rest } = price ?? {}
    for (const [name, of] of Object.entries({ input, output, cachedInput, cacheWrite }))
      if (!(typeof of === 'number' && of >= 0 && Number.isFinite(of)))
        throw new ConfigError(`${key}.${model}.${name}`, of, 'a price for a million tokens, from 0 up')
    const [unknown] = Object.keys(rest)
    if (unknown !== undefined) throw new ConfigError(`${key}.${model}.${unknown}`, price, 'no such key')
  }
}
