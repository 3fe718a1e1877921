import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../json/plain.ts'
import type { ApprovalCall } from './approval.ts'
import { approvalDigest, callKey, fixedCall } from './approval-digest.ts'

const text = fc.string({ maxLength: 12 })
const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>
const call: fc.Arbitrary<ApprovalCall> = fc.record({
  tool: text,
  destination: fc.option(text, { nil: undefined }),
  input: json,
  labels: json,
  run: text,
  tenant: fc.option(text, { nil: undefined }),
  subject: text,
  agent: text,
  approvers: fc.option(fc.array(text, { maxLength: 3 }), { nil: undefined }),
  contractDigest: text,
  policyVersion: text,
})
const field = fc.constantFrom<keyof ApprovalCall>(
  'tool',
  'destination',
  'input',
  'labels',
  'run',
  'tenant',
  'subject',
  'agent',
  'approvers',
  'contractDigest',
  'policyVersion',
)
const EXPIRES = new Date('2026-01-01T00:15:00Z')

// Compared as JSON text, in which the absent and the null are one: no field of a call may be null itself.
const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : (value ?? null)
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, sorted(item)])
}

describe('what an approval covers', () => {
  test('any change to any one field of a call changes both digests', () => {
    fc.assert(
      fc.property(call, call, field, (one, other, name) => {
        fc.pre(!same(one[name], other[name]))
        const changed = { ...one, [name]: other[name] }
        expect(callKey(changed)).not.toBe(callKey(one))
        expect(approvalDigest(changed, 'id', EXPIRES)).not.toBe(approvalDigest(one, 'id', EXPIRES))
      }),
    )
  })

  test('one character more in any text of the input changes the digest', () => {
    fc.assert(
      fc.property(call, text, fc.nat(), (one, value, at) => {
        const cut = at % (value.length + 1)
        const before = { ...one, input: { to: value } }
        const after = { ...one, input: { to: `${value.slice(0, cut)}\u200b${value.slice(cut)}` } }
        expect(callKey(after)).not.toBe(callKey(before))
      }),
    )
  })

  test('another id or another expiry is another digest, and a digest is never a call key', () => {
    fc.assert(
      fc.property(call, text, text, (one, id, otherId) => {
        fc.pre(id !== otherId)
        const digest = approvalDigest(one, id, EXPIRES)
        expect(approvalDigest(one, otherId, EXPIRES)).not.toBe(digest)
        expect(approvalDigest(one, id, new Date(EXPIRES.getTime() + 1))).not.toBe(digest)
        expect(callKey(one)).not.toBe(digest)
      }),
    )
  })

  test('the order of keys makes no difference', () => {
    const base = { tool: 't', destination: undefined, labels: {}, run: 'r', tenant: undefined, subject: 's' }
    const rest = { agent: 'a', approvers: undefined, contractDigest: 'c', policyVersion: 'p' }
    expect(callKey({ ...base, ...rest, input: { a: 1, b: [2] } })).toBe(
      callKey({ ...rest, ...base, input: { b: [2], a: 1 } }),
    )
  })

  test('nobody may approve and anybody may approve are not the same rule', () => {
    fc.assert(
      fc.property(call, (one) => {
        expect(callKey({ ...one, approvers: [] })).not.toBe(callKey({ ...one, approvers: undefined }))
      }),
    )
  })

  test('a call is fixed: what the caller changes afterwards is not what was asked', () => {
    const input = { to: ['bob@shop.example'] }
    const given = {
      tool: 't',
      destination: undefined,
      input,
      labels: {},
      run: 'r',
      tenant: undefined,
      subject: 's',
    }
    const fixed = fixedCall({
      ...given,
      agent: 'a',
      approvers: undefined,
      contractDigest: 'c',
      policyVersion: 'p',
    })
    input.to[0] = 'eve@evil.example'
    expect(fixed.input).toEqual({ to: ['bob@shop.example'] })
    expect(Object.isFrozen(fixed.input)).toBe(true)
  })

  test('an input that JSON would change silently cannot be approved', () => {
    const given = { tool: 't', destination: undefined, labels: {}, run: 'r', tenant: undefined, subject: 's' }
    const rest = { agent: 'a', approvers: undefined, contractDigest: 'c', policyVersion: 'p' }
    const input = { when: new Date(0) } as unknown as Json
    expect(() => fixedCall({ ...given, ...rest, input })).toThrow(/cannot be approved/)
  })
})
