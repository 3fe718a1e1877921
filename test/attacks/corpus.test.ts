import {
  CORPUS,
  type CorpusCase,
  type CorpusTwin,
  playCase,
  type PlayOptions,
  undone,
  violations,
  wasTried,
} from '@gatewright/runtime/testing'
import { describe, expect, test } from 'vitest'

const attacks = CORPUS.flatMap((one) => one.attacks)
const twins = CORPUS.flatMap((one) => one.twins)
const MODES = ['attest', 'floor'] as const
/** Every fifth case is streamed too: what differs between the two is the loop, not the case. */
const streamed = <T>(all: readonly T[]): T[] => all.filter((_, index) => index % 5 === 0)
const claims =
  (mode: (typeof MODES)[number], unsaid: boolean) =>
  ({ modes }: Pick<CorpusCase, 'modes'>): boolean =>
    modes?.includes(mode) ?? unsaid

/** Why a case shows nothing on the bare SDK: nothing happened, or its door did not carry it. */
async function bareComplaints(one: CorpusCase, way: 'generate' | 'stream' = 'generate'): Promise<string[]> {
  const played = await playCase(one, { mode: 'bare', way })
  const isCarried = played.seen.some((text) => text.includes(one.carries))
  const happens = violations(one, played).length > 0
  return [
    ...(isCarried ? [] : ['the model never saw it']),
    ...(happens === (one.bareCannot === undefined) ? [] : [`it ${happens ? 'happens' : 'does not happen'}`]),
  ]
}

async function guardComplaints(one: CorpusCase, options: PlayOptions): Promise<string[]> {
  const played = await playCase(one, options)
  return [...violations(one, played), ...(wasTried(one, played) ? [] : ['the model never tried it'])]
}

async function twinComplaints(one: CorpusTwin, options: PlayOptions): Promise<unknown[]> {
  const played = await playCase(one, options)
  const isSaid = one.says === undefined || played.answers.some((answer) => answer.includes(one.says ?? ''))
  return [...played.refused, ...undone(one, played), ...(isSaid ? [] : ['the user was not told'])]
}

describe.each(CORPUS)('$family', ({ attacks: cases, twins: benign }) => {
  test.for(cases)('the bare SDK does it: $id', async (one) => {
    expect(await bareComplaints(one)).toEqual([])
  })
  for (const mode of MODES) {
    test.for(cases.filter(claims(mode, true)))(`in ${mode} mode, $promise ($id)`, async (one) => {
      expect(await guardComplaints(one, { mode })).toEqual([])
    })
    test.for(benign.filter(claims(mode, mode === 'attest')))(
      `in ${mode} mode, $promise, with nobody asked ($id)`,
      async (one) => {
        expect(await twinComplaints(one, { mode })).toEqual([])
      },
    )
  }
})

describe('streamed', () => {
  test.for(streamed(attacks))('the bare SDK does it: $id', async (one) => {
    expect(await bareComplaints(one, 'stream')).toEqual([])
  })
  test.for(streamed(attacks.filter(claims('attest', true))))('$promise ($id)', async (one) => {
    expect(await guardComplaints(one, { mode: 'attest', way: 'stream' })).toEqual([])
  })
  test.for(streamed(twins.filter(claims('attest', true))))(
    '$promise, with nobody asked ($id)',
    async (one) => {
      expect(await twinComplaints(one, { mode: 'attest', way: 'stream' })).toEqual([])
    },
  )
})

test('the corpus is as large as it says, and each family has attacks and benign twins', () => {
  expect(new Set([...attacks, ...twins].map(({ id }) => id)).size).toBe(attacks.length + twins.length)
  expect(attacks.length).toBeGreaterThanOrEqual(150)
  expect(new Set(attacks.map(({ promise, family }) => `${family}: ${promise}`)).size).toBe(attacks.length)
  for (const { attacks: cases, twins: benign } of CORPUS) {
    expect(cases.length).toBeGreaterThan(0)
    expect(benign.length).toBeGreaterThan(0)
  }
})
