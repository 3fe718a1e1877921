import {
  budgetLimits,
  type BudgetLimit,
  budgetUse,
  costOf,
  type Price,
  priceOf,
  type TokenUse,
} from './control/budget.ts'
import { refusal } from './decide.ts'
import { ConfigError, LimitError, UnavailableError } from './errors.ts'
import { scopeOf } from './limit-call.ts'
import type { LimitParts } from './limit-options.ts'
import type { RunState } from './run-state.ts'
import { raise, spent, unusual } from './watch.ts'

/** A model as its provider names it. */
export interface ModelName {
  readonly provider: string
  readonly modelId: string
}

/** What a model request holds of its budgets. Say what it used, or that it was never answered; the first word counts. */
export interface HeldRequest {
  /** Charge what was used; what is not known stays charged as it was held. */
  settle(use: TokenUse | undefined): Promise<void>
  /** Give it back: the provider refused the request, so nothing was used. */
  release(): Promise<void>
}

const RESERVATION_MS = 30 * 60_000
const OUTPUT_TOKENS = 4096
const USED_UP = 'A budget of this agent is used up, so the model was not asked.'

/** @throws {ConfigError} If something counts cost, and the model has no price. */
export function checkPriced({ countsCost, prices }: LimitParts, model: ModelName): void {
  if (countsCost() && priceOf(prices, model) === undefined)
    throw new ConfigError(
      `limits.prices.${model.modelId}`,
      undefined,
      'the price of this model, since a limit counts cost',
    )
}

/** Whether anything counts what models use. */
export function countsRequests({ guard: { limiting } }: RunState): boolean {
  const { costRate, baseline } = limiting
  return budgetsOf(limiting).length > 0 || costRate !== undefined || baseline !== undefined
}

/**
 * Hold what a model request may use of every budget, all or none, before it is sent.
 *
 * Undefined where nothing counts what models use.
 *
 * @throws {LimitError} `ERR_LIMIT_EXCEEDED`, if a budget is used up; `decision` says which one.
 * @throws {UnavailableError} `ERR_LIMITS_UNAVAILABLE`, if they cannot be counted.
 * @throws {ConfigError} If something counts cost by now, and the model has no price.
 */
export async function holdRequest(
  run: RunState,
  model: ModelName,
  request: { readonly text: () => string; readonly maxOutputTokens: number | undefined },
  signal: AbortSignal,
): Promise<HeldRequest | undefined> {
  const { limiting, limits, newId } = run.guard
  const { costRate, baseline, prices } = limiting
  const budgets = budgetsOf(limiting)
  if (budgets.length === 0 && costRate === undefined && baseline === undefined) return undefined
  checkPriced(limiting, model)
  const price = priceOf(prices, model)
  const expected = {
    input: limiting.countTokens(request.text()),
    output: request.maxOutputTokens ?? OUTPUT_TOKENS,
  }
  if (budgets.length === 0) return heldRequest(run, '', [], expected, price)
  const drawn = budgetLimits(budgets, { ...scopeOf(run), tool: '' }, expected, price)
  const id = `request-${newId()}`
  let answer
  try {
    answer = await limits.reserve(id, drawn, RESERVATION_MS, { signal })
  } catch (cause) {
    throw new UnavailableError('ERR_LIMITS_UNAVAILABLE', 'The budgets could not be checked.', { cause })
  }
  if (!answer.ok) {
    const { key, retryAfterMs } = answer
    const text = `Used up: ${drawn.find((one) => one.key === key)?.name ?? 'a budget'}.`
    // Once: an application that asks again and again is no news.
    if (!run.alerted.has(key)) {
      run.alerted.add(key)
      await raise(run, { kind: 'budget', text, halted: false })
    }
    throw new LimitError('ERR_LIMIT_EXCEEDED', USED_UP, {
      decision: refusal('limits', 'budget-exceeded', text),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  }
  for (const { key, isOfRun } of drawn) if (isOfRun) run.accounts.add(key)
  return heldRequest(run, id, drawn, expected, price)
}

function budgetsOf({ budgets }: LimitParts): ReturnType<LimitParts['budgets']> {
  try {
    return budgets()
  } catch (cause) {
    throw new UnavailableError('ERR_LIMITS_UNAVAILABLE', 'The budgets could not be checked.', { cause })
  }
}

function heldRequest(
  run: RunState,
  id: string,
  drawn: readonly BudgetLimit[],
  expected: TokenUse,
  price: Price | undefined,
): HeldRequest {
  const { limits, limiting } = run.guard
  let isOver = false
  return {
    async settle(use) {
      if (isOver) return
      isOver = true
      const known = use ?? { input: undefined, output: undefined }
      if (drawn.length > 0)
        try {
          await limits.settle(id, budgetUse(drawn, known, price), { signal: NEVER })
        } catch {
          // The model was asked: what is not settled stays charged in full.
        }
      const cost = costOf(known, price) ?? costOf(expected, price)
      if (cost !== undefined) await spent(run, cost)
      const { input, output } = known
      if (limiting.baseline === undefined || input === undefined || output === undefined) return
      const deviation = limiting.baseline.used(input + output)
      if (deviation !== undefined) await unusual(run, [deviation])
    },
    async release() {
      if (isOver) return
      isOver = true
      if (drawn.length === 0) return
      try {
        await limits.release(id, { signal: NEVER })
      } catch {}
    },
  }
}

const NEVER = new AbortController().signal
