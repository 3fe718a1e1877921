import { ConfigError } from '../errors.ts'
import type { Rule } from './rules.ts'
import { type CheckedRule, checkRule } from './rule-check.ts'

/** Rules that were checked as a whole, under one version. Made by `policy` alone. */
export interface Policy {
  readonly version: string
  readonly rules: readonly Rule[]
}

/** Where the policy in force is asked for, anew for each decision. */
export interface PolicySource {
  current(): Policy
}

const checked = new WeakMap<Policy, readonly CheckedRule[]>()

/**
 * A policy of these rules. Their order does not matter.
 *
 * @throws {ConfigError} If it is not usable as a whole (a name given twice, an unknown key, a list with nothing
 * in it): a bad policy refuses to start, it is never applied in part.
 */
export function policy(given: { version: string; rules: readonly Rule[] }): Policy {
  if (typeof given !== 'object' || given === null)
    throw new ConfigError('policy', given, '{ version, rules }')
  const { version, rules } = given
  for (const key of Reflect.ownKeys(given))
    if (key !== 'version' && key !== 'rules')
      throw new ConfigError(`policy.${String(key)}`, 'a key', 'only version and rules')
  if (typeof version !== 'string' || version.trim() === '')
    throw new ConfigError('policy.version', version, 'a version that is not empty')
  if (!Array.isArray(rules) || rules.length === 0)
    throw new ConfigError('policy.rules', rules, 'a list of rules that is not empty')
  const all = rules.map((rule: unknown, i) => checkRule(i, rule))
  const seen = new Map<string, number>()
  all.forEach(({ name }, i) => {
    const first = seen.get(name)
    if (first !== undefined)
      throw new ConfigError(
        `policy.rules[${i}].name`,
        name,
        `a name of its own (rules[${first}] has this one)`,
      )
    seen.set(name, i)
  })
  const made: Policy = Object.freeze({ version, rules: Object.freeze([...rules]) })
  checked.set(made, Object.freeze(all))
  return made
}

/**
 * The checked rules of a policy.
 *
 * @throws {ConfigError} If it was not made by `policy`.
 */
export function rulesOf(of: Policy): readonly CheckedRule[] {
  const rules = typeof of === 'object' && of !== null ? checked.get(of) : undefined
  if (rules === undefined) throw new ConfigError('policy', of, 'what policy() returned')
  return rules
}

/** A policy that can be replaced while agents run: the next decision is made by the new one. */
export interface ReplaceablePolicy extends PolicySource {
  /** @throws {ConfigError} If it was not made by `policy`; the one in force stays. */
  replace(next: Policy): void
}

/** A source that starts with `first`. */
export function policySource(first: Policy): ReplaceablePolicy {
  rulesOf(first)
  let current = first
  return Object.freeze({
    current: () => current,
    replace: (next: Policy) => {
      rulesOf(next)
      current = next
    },
  })
}
