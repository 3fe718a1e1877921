import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { narrowed, problemOf, type ToolBounds, toolProblem } from './agent-standing.ts'
import { memoryAgents } from './store-agents.ts'

const TOOLS = ['read', 'pay', 'mail', 'drop']
const bounds: fc.Arbitrary<ToolBounds> = fc.record(
  { allowedTools: fc.subarray(TOOLS), deniedTools: fc.subarray(TOOLS) },
  { requiredKeys: [] },
)
const chain = fc.array(bounds, { minLength: 1, maxLength: 5 })
const may = (of: ToolBounds, tool: string): boolean => toolProblem(of, tool) === undefined

test('a chain of agents may do exactly what each of them may, so never more than any', () => {
  fc.assert(
    fc.property(chain, fc.constantFrom(...TOOLS), (hops, tool) => {
      expect(may(narrowed(hops), tool)).toBe(hops.every((hop) => may(hop, tool)))
    }),
  )
})

test('one more agent in a chain never widens it, wherever it stands', () => {
  fc.assert(
    fc.property(chain, bounds, fc.nat(5), fc.constantFrom(...TOOLS), (hops, more, place, tool) => {
      const longer = hops.toSpliced(place, 0, more)
      expect(may(narrowed(longer), tool) && !may(narrowed(hops), tool)).toBe(false)
    }),
  )
})

test('the deny list wins', () => {
  expect(toolProblem({ allowedTools: ['pay'], deniedTools: ['pay'] }, 'pay')).toBe('tool-denied-to-agent')
})

const signal = new AbortController().signal
const by = { by: 'user:ops', reason: 'CHG-1', signal }
const at = (time: number): Date => new Date(time)

test('a version that was rotated out is valid until its overlap ends, then gone', async () => {
  const agents = memoryAgents({ now: () => at(0) })
  await agents.register(
    { id: 'a', type: 't', version: '1', environment: 'e', owner: 'o', expires: at(10_000) },
    by,
  )
  await agents.rotate('a', { version: '2', overlapMs: 500 }, by)
  const record = await agents.get('a', { signal })
  const old = { id: 'a', version: '1' }
  expect([0, 499, 500].map((time) => problemOf(record, old, at(time)))).toEqual([
    undefined,
    undefined,
    'agent-expired',
  ])
  expect(problemOf(record, { id: 'a', version: '2' }, at(9999))).toBeUndefined()
  expect(problemOf(record, { id: 'a', version: '2' }, at(10_000))).toBe('agent-expired')
  expect(problemOf(record, { id: 'a', version: '3' }, at(0))).toBe('agent-unknown')
  await agents.retire('a', by)
  const retired = await agents.get('a', { signal })
  expect(['1', '2'].map((version) => problemOf(retired, { id: 'a', version }, at(0)))).toEqual([
    'agent-retired',
    'agent-retired',
  ])
})

test('a clock that gives no time makes no agent valid', async () => {
  const agents = memoryAgents({ now: () => at(0) })
  const record = await agents.register(
    { id: 'a', type: 't', version: '1', environment: 'e', owner: 'o', expires: at(10_000) },
    by,
  )
  expect(problemOf(record, record, at(Number.NaN))).toBe('agent-expired')
})
