import { expect, test } from 'vitest'
import { argumentLabels } from './argument-labels.ts'
import { text } from './contract/argument.ts'
import { compileContract } from './contract/compile.ts'
import type { LeafVerdict } from './attest/attest.ts'
import type { JsonScalar } from './json/plain.ts'
import { ANYONE, label, readableBy } from './label/label.ts'

const READERS = readableBy(['user:alice'], false)
const CAUSE = label([ANYONE], [READERS])
const contract = compileContract('purge', { effect: 'write', args: { 'where.*': text() } })
const place = ['where', 'owner']

/** Whose the value at one place is, when these verdicts were reached on its key and on itself. */
function authorOf(...by: readonly LeafVerdict['by'][]): readonly string[] | undefined {
  const verdicts = by.map((one): LeafVerdict => ({
    place,
    argument: text(),
    by: one,
    value: 'x',
    turn: 1,
    chunk: 0,
  }))
  const run = { principal: { subject: 'user:alice' }, defaultReaders: READERS } as never
  const input = [{ place, value: 'x' as JsonScalar }]
  return argumentLabels(run, contract, input, [], verdicts, CAUSE, false).find(({ value }) => value === 'x')
    ?.label.authors
}

test('an argument is the user’s only where its key and its value are both attested', () => {
  expect(authorOf('quoted', 'quoted')).toEqual(['user:alice'])
  expect(authorOf(undefined, 'quoted')).toEqual([ANYONE])
  expect(authorOf('quoted', undefined)).toEqual([ANYONE])
  expect(authorOf(undefined)).toEqual([ANYONE])
})
