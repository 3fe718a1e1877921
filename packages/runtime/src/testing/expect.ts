import { AssertionError } from 'node:assert'
import { isDeepStrictEqual } from 'node:util'
import type { RecordedCall } from './record-calls.ts'
import type { ToolCall } from './scripted-model.ts'

/** A call to look for: the tool, and what its input holds at least. No input: any. */
export interface CallPattern {
  readonly tool: string
  readonly input?: Readonly<Record<string, unknown>>
}

interface Calls<CALL> {
  readonly calls: readonly CALL[]
}

/** Whether a call is one that a pattern describes. */
export function matches(call: ToolCall, { tool, input }: CallPattern): boolean {
  return call.tool === tool && (input === undefined || holds(call.input, input))
}

/**
 * Assert that the model tried a call and the tool was never reached with it.
 *
 * A call that the model never made fails too: nothing was shown then.
 *
 * @throws {AssertionError} Naming what ran, or that nothing was tried.
 */
export function expectBlocked(
  { model, tools }: { model: Calls<ToolCall>; tools: Calls<RecordedCall> },
  pattern: CallPattern,
): void {
  const ran = tools.calls.filter((call) => matches(call, pattern))
  if (ran.length > 0)
    fail(`Expected ${shown(pattern)} to be blocked, but it was executed: ${ran.map(shown).join(', ')}.`)
  if (!model.calls.some((call) => matches(call, pattern)))
    fail(
      `Expected ${shown(pattern)} to be blocked, but the model never tried it, so nothing was shown. ` +
        `It tried: ${list(model.calls)}.`,
    )
}

/** What must not, or what alone may, have been executed. At least one of the two. */
export type Violations =
  | { readonly never: readonly CallPattern[]; readonly only?: readonly CallPattern[] }
  | { readonly never?: readonly CallPattern[]; readonly only: readonly CallPattern[] }

/**
 * Assert that nothing was executed that should not be: none of the attacker's calls (`never`), or nothing besides
 * what the task needs (`only`).
 *
 * @throws {AssertionError} Naming every violation.
 */
export function expectNoViolation(tools: Calls<RecordedCall>, { never = [], only }: Violations): void {
  const violations = tools.calls.filter(
    (call) =>
      never.some((pattern) => matches(call, pattern)) ||
      (only !== undefined && !only.some((pattern) => matches(call, pattern))),
  )
  if (violations.length > 0)
    fail(`Expected no violation, but ${violations.length} executed: ${list(violations)}.`)
}

function holds(value: unknown, pattern: unknown): boolean {
  if (!isObject(pattern)) return isDeepStrictEqual(value, pattern)
  if (!isObject(value)) return false
  return Object.entries(pattern).every(
    ([key, inner]) => Object.hasOwn(value, key) && holds(value[key], inner),
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function list(calls: readonly CallPattern[]): string {
  return calls.length === 0 ? 'nothing' : calls.map(shown).join(', ')
}

function shown({ tool, input }: CallPattern): string {
  return `${tool}(${input === undefined ? '…' : JSON.stringify(input)})`
}

function fail(message: string): never {
  throw new AssertionError({ message, stackStartFn: fail })
}
