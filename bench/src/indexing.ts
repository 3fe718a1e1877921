import { authored, minted } from '@gatewright/runtime/contract'
import { type Benchmark, type Case, caseOf } from './case.ts'
import {
  compileContract,
  createEvidence,
  createTrustedIndex,
  label,
  labelResult,
  readableBy,
} from './internal.ts'
import { bytesInUse, measure, quantile, type Round, type Subject, type Timing } from './measure.ts'
import { prose, seeded, uniqueWords } from './prose.ts'

const LEAST_RATE = 20
const MOST_LEAF = 1
const MOST_MEMORY = 4
const MESSAGE_LENGTH = 2000
const MESSAGES = 1000
const ROWS = 1000
const EFFORT = { rounds: 15, samples: 1, warmUp: 10 }
const WRITING = { locale: 'en-US', timeZone: 'UTC', now: new Date('2026-01-05T12:00:00Z') }

/** What is done when something is taken in, so that a decision need not: text of the user, and minted results. */
export const indexing: Benchmark = {
  name: 'index',
  about: 'indexing what the user said and what systems of record minted; memory',
  async run(): Promise<readonly Case[]> {
    const texts = { prose: messages(prose), unique: messages(uniqueWords) }
    const subjects = [
      indexed('prose', texts.prose),
      indexed('unique words', texts.unique),
      { name: 'minted', round: mintedRound },
    ]
    const times = await measure(subjects, EFFORT)
    const [said, unique, leaf] = subjects.map(({ name }) => times.get(name))
    if (said === undefined || unique === undefined || leaf === undefined)
      throw new Error('Nothing was measured.')
    const perLeaf = 1000 / (ROWS * MINTED_FIELDS)
    return [
      caseOf({ name: 'prose of the user', unit: 'MB/s', ...rates(said, texts.prose), target: LEAST_RATE }),
      caseOf({ name: 'words that never recur', unit: 'MB/s', ...rates(unique, texts.unique) }),
      caseOf({
        name: 'a minted leaf of a result, labelled and indexed',
        unit: 'µs',
        p50: quantile(leaf.cpu, 0.5) * perLeaf,
        p99: quantile(leaf.cpu, 0.99) * perLeaf,
        target: MOST_LEAF,
      }),
      caseOf({
        name: 'memory for prose, in times its size',
        unit: 'times',
        p50: memoryTimes(texts.prose),
        target: MOST_MEMORY,
      }),
      caseOf({
        name: 'memory for words that never recur',
        unit: 'times',
        p50: memoryTimes(texts.unique),
      }),
    ]
  },
}

function messages(write: (length: number, random: () => number) => string): readonly string[] {
  const random = seeded(11)
  return Array.from({ length: MESSAGES }, () => write(MESSAGE_LENGTH, random))
}

function indexed(name: string, texts: readonly string[]): Subject {
  return {
    name,
    round(): Round {
      const index = createTrustedIndex(WRITING)
      return { sample: () => addAll(index, texts) }
    },
  }
}

function addAll(index: ReturnType<typeof createTrustedIndex>, texts: readonly string[]): void {
  for (const [turn, text] of texts.entries()) index.add(text, { chunk: turn, turn }, WRITING)
}

// A sample takes so long that others get their turn on a busy machine; that they do is no part of it.
function rates({ cpu }: Timing, texts: readonly string[]): { p50: number; p99: number } {
  const rate = (ms: number): number => sizeOf(texts) / 1000 / ms
  return { p50: rate(quantile(cpu, 0.5)), p99: rate(quantile(cpu, 0.99)) }
}

/** Memory that an index of these texts holds, the texts themselves not counted. */
function memoryTimes(texts: readonly string[]): number {
  const before = bytesInUse()
  const index = createTrustedIndex(WRITING)
  addAll(index, texts)
  const held = bytesInUse() - before
  // Asked once more, so that nothing collects it before it was weighed.
  if (index.quote('email', 'nobody@nowhere.example') !== undefined) throw new Error('It was never said.')
  return held / sizeOf(texts)
}

function sizeOf(texts: readonly string[]): number {
  return texts.reduce((all, text) => all + Buffer.byteLength(text), 0)
}

const MINTED_FIELDS = 5
const operator = 'operator:drive'
const contract = compileContract('listFiles', {
  effect: 'read',
  operator: 'drive',
  result: {
    'files.*.id': minted('drive.file'),
    'files.*.folder': minted('drive.folder'),
    'files.*.size': minted(),
    'files.*.created': minted(),
    'files.*.version': minted(),
    'files.*.title': authored(),
  },
})

/** A listing of files by a trusted operator: labelled, added to the evidence, and one of its ids asked for. */
function mintedRound(): Round {
  const value = {
    files: Array.from({ length: ROWS }, (_, row) => ({
      id: `1f${row.toString(36)}Xq${(row * 7919).toString(36)}`,
      folder: `f${(row % 40).toString(36)}`,
      size: 1000 + row,
      created: new Date(1_760_000_000_000 + row * 60_000).toISOString(),
      version: 1 + (row % 9),
      title: `Report ${row}`,
    })),
  }
  const evidence = createEvidence(({ authors }) => authors.every((author) => author === operator))
  const defaultReaders = readableBy(['user:alice', 'agent:bench@1'], false)
  const toLabel = {
    value,
    contract,
    args: [],
    principal: { subject: 'user:alice' as const },
    defaultReaders,
  }
  const chunk = {
    id: 0,
    origin: { kind: 'tool-result' as const, call: 'call', tool: 'listFiles' },
    label: label([operator], [defaultReaders]),
    selectedBy: undefined,
    parents: [],
    content: value,
    turn: 1,
  }
  const last = value.files.at(-1)?.id ?? ''
  return {
    sample() {
      labelResult(toLabel)
      evidence.add({ ...toLabel, chunk, input: {}, turn: 1 })
      if (evidence.minted('drive.file', last) === undefined) throw new Error('A minted id was not found.')
    },
  }
}
