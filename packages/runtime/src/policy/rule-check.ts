import { ConfigError } from '../errors.ts'
import { plainJson } from '../json/plain.ts'
import { ANYONE } from '../label/label.ts'
import { type CheckedBounds, checkBounds } from './bound.ts'
import type { Obligation, Reason } from './decision.ts'
import { type TaskGrant, taskGrant } from './grant.ts'
import type { LabelView } from './label-view.ts'
import type { Condition, Rule } from './rules.ts'

/** A rule that was checked: everything of it that evaluation needs, read once. */
export interface CheckedRule {
  readonly name: string
  /** The tools it speaks about; undefined is all of them. */
  readonly tools: ReadonlySet<string> | undefined
  readonly when: Condition | undefined
  /** Whether its conditions on labels hold. */
  readonly labels: ((labels: LabelView) => boolean) | undefined
  readonly bounds: CheckedBounds | undefined
  readonly voice: Voice
}

/** What a rule says when it speaks. */
export interface Voice {
  /** None for a rule that only obliges. */
  readonly reason: Reason | undefined
  /**
   * Whether this is a word about the call where no other rule speaks. An ask that depends on labels is none:
   * something from outside must not turn a deny into a question.
   */
  readonly settles: boolean
  readonly obligations: readonly Obligation[]
  readonly approvers: readonly string[] | undefined
  readonly basis: TaskGrant | undefined
}

const KEYS = {
  permit: ['tools', 'when', 'reason', 'allAuthorsIn', 'audienceWithin', 'basis'],
  ask: ['tools', 'when', 'reason', 'someAuthorOutside', 'audienceOutside', 'approvers'],
  deny: ['tools', 'when', 'reason', 'someAuthorOutside', 'audienceOutside'],
  obligate: ['tools', 'when', 'reason', 'someAuthorOutside', 'audienceOutside', 'must'],
} satisfies Record<Rule['kind'], readonly string[]>

/**
 * Checks one rule.
 *
 * @throws {ConfigError} If anything about it is not usable, an unknown key included. A key that is there with
 * no value is refused too: a missing setting must not make a rule speak about everything.
 */
export function checkRule(position: number, given: unknown): CheckedRule {
  const at = `policy.rules[${position}]`
  if (!isRecord(given)) throw new ConfigError(at, given, 'a rule made by permit, ask, deny or obligate')
  const { kind, name, options } = given
  if (!isKind(kind)) throw new ConfigError(`${at}.kind`, kind, 'permit, ask, deny or obligate')
  if (!isText(name)) throw new ConfigError(`${at}.name`, name, 'a name that is not empty')
  const key = `${at} (${name})`
  if (!isRecord(options)) throw new ConfigError(key, options, 'options')
  for (const one of Reflect.ownKeys(options)) {
    const known: readonly (string | symbol)[] = KEYS[kind]
    if (!known.includes(one)) throw new ConfigError(`${key}.${String(one)}`, options[one], known.join(', '))
    if (options[one] === undefined)
      throw new ConfigError(`${key}.${String(one)}`, undefined, 'a value, or no such key')
  }
  const { when, reason, must } = options
  if (when !== undefined && typeof when !== 'function')
    throw new ConfigError(`${key}.when`, when, 'a function')
  if (reason !== undefined && !isText(reason)) throw new ConfigError(`${key}.reason`, reason, 'text')
  const tools = options['tools'] === '*' ? undefined : names(`${key}.tools`, options['tools'])
  const bounds = options['basis'] === undefined ? undefined : checkBounds(`${key}.basis`, options['basis'])
  if (bounds && !tools)
    throw new ConfigError(`${key}.tools`, options['tools'], 'tools by name, since the rule has a basis')
  if (bounds && Object.keys(bounds.bounds).length === 0)
    throw new ConfigError(`${key}.basis`, {}, 'at least one bound')
  const approvers = names(`${key}.approvers`, options['approvers'])
  const labels = labelConditions(key, options)
  return Object.freeze({
    name,
    tools: tools && new Set(tools),
    when: when as Condition | undefined,
    labels,
    bounds,
    voice: Object.freeze({
      reason: kind === 'obligate' ? undefined : reasonOf(kind, name, reason),
      settles: kind !== 'obligate' && (kind !== 'ask' || labels === undefined),
      obligations: kind === 'obligate' ? checkObligations(`${key}.must`, must) : Object.freeze([]),
      approvers,
      basis: bounds && tools && basisOf(name, tools, bounds),
    }),
  })
}

function reasonOf(kind: 'permit' | 'ask' | 'deny', name: string, text: string | undefined): Reason {
  return Object.freeze({
    step: 'policy',
    rule: name,
    outcome: kind,
    text: text ?? `The rule '${name}' says ${kind}.`,
  })
}

function basisOf(name: string, tools: readonly string[], { bounds }: CheckedBounds): TaskGrant {
  return taskGrant({
    from: 'rule',
    by: name,
    tools: Object.fromEntries(tools.map((tool) => [tool, { args: bounds }])),
  })
}

function labelConditions(key: string, options: Record<PropertyKey, unknown>): CheckedRule['labels'] {
  const good = authors(`${key}.allAuthorsIn`, options['allAuthorsIn'])
  const bad = authors(`${key}.someAuthorOutside`, options['someAuthorOutside'])
  const within = names(`${key}.audienceWithin`, options['audienceWithin'])
  const outside = names(`${key}.audienceOutside`, options['audienceOutside'])
  if (!good && !bad && !within && !outside) return undefined
  return (labels) =>
    (!good || authorsIn(labels, good)) &&
    (!within || labels.audienceWithin(within)) &&
    (!bad || !authorsIn(labels, bad)) &&
    (!outside || !labels.audienceWithin(outside))
}

function authorsIn(labels: LabelView, set: ReadonlySet<string> | 'trusted'): boolean {
  return set === 'trusted' ? labels.allAuthorsTrusted() : labels.allAuthorsIn(set)
}

function authors(key: string, given: unknown): ReadonlySet<string> | 'trusted' | undefined {
  if (given === 'trusted') return 'trusted'
  const list = names(key, given)
  // `anyone` absorbs the other authors of a label, so with it a wider cause could look like a better one.
  if (list?.includes(ANYONE)) throw new ConfigError(key, given, `authenticated principals, not '${ANYONE}'`)
  return list && new Set(list)
}

function names(key: string, given: unknown): readonly string[] | undefined {
  if (given === undefined) return undefined
  if (!Array.isArray(given) || given.length === 0 || !given.every(isText))
    throw new ConfigError(key, given, 'a list of names that is not empty')
  return Object.freeze([...given])
}

function checkObligations(key: string, given: unknown): readonly Obligation[] {
  if (!Array.isArray(given) || given.length === 0) throw new ConfigError(key, given, 'a list of obligations')
  return Object.freeze(given.map((one: unknown, i) => checkObligation(`${key}[${i}]`, one)))
}

function checkObligation(key: string, given: unknown): Obligation {
  const { kind, place, value } = isRecord(given) ? given : {}
  if (kind === 'flag-for-review') return Object.freeze({ kind })
  if (kind === 'replace' && Array.isArray(place) && place.length > 0 && place.every(isStep)) {
    const plain = plainJson(value)
    if (plain.ok) return Object.freeze({ kind, place: Object.freeze([...place]), value: plain.value })
  }
  throw new ConfigError(key, given, 'flag-for-review, or replace with a place and a value')
}

function isStep(value: unknown): value is string | number {
  return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value) && value >= 0)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function isRecord(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isKind(value: unknown): value is Rule['kind'] {
  return typeof value === 'string' && Object.hasOwn(KEYS, value)
}
