import { canonicalJson, type Json, plainJson } from '../json/plain.ts'

/** As whose words a text stands in a prompt. */
export type Role = 'system' | 'user' | 'assistant' | 'tool-definition' | 'unknown'

/**
 * Finds the chunks of a run again by the content under which they stand in a prompt.
 *
 * Identity is content: whatever carries an id through a message history can be forged, the content cannot. Two
 * chunks with one content are both found, so that the join of the two is taken.
 */
export interface Transcript {
  remember(role: Role, text: string, chunk: number): void
  find(role: Role, text: string): readonly number[]
  /** Remember how the result of a call is shown to the model. */
  rememberResult(call: string, shown: Json, chunk: number): void
  /** The chunk of a call's result, if what is shown is what was remembered. */
  findResult(call: string, shown: unknown): number | undefined
  /** Remember an input with which a call stands in a history, as the model wrote it or as it was executed. */
  rememberInput(call: string, input: string): void
  /** Whether a call stands in a history with an input that it had. */
  hadInput(call: string, input: unknown): boolean
  readonly inputs: Iterable<readonly [call: string, inputs: readonly string[]]>
  readonly texts: Iterable<readonly [role: Role, text: string, chunks: readonly number[]]>
  readonly results: Iterable<readonly [call: string, shown: readonly Json[], chunk: number]>
}

interface ShownResult {
  readonly chunk: number
  readonly shown: Json[]
}

export function createTranscript(): Transcript {
  const texts: Record<Role, Map<string, number[]>> = {
    system: new Map(),
    user: new Map(),
    assistant: new Map(),
    'tool-definition': new Map(),
    unknown: new Map(),
  }
  const results = new Map<string, ShownResult>()
  const inputs = new Map<string, string[]>()
  return {
    remember(role, text, chunk) {
      const known = texts[role].get(text)
      if (known === undefined) texts[role].set(text, [chunk])
      else if (!known.includes(chunk)) known.push(chunk)
    },
    find: (role, text) => texts[role].get(text) ?? NONE,
    rememberResult(call, shown, chunk) {
      const known = results.get(call)
      if (known?.chunk === chunk) known.shown.push(shown)
      else results.set(call, { chunk, shown: [shown] })
    },
    findResult(call, shown) {
      const known = results.get(call)
      if (known === undefined) return undefined
      // What we handed out is frozen, so the same object is the same content.
      return known.shown.some((one) => one === shown) || sameContent(known.shown, shown)
        ? known.chunk
        : undefined
    },
    rememberInput(call, input) {
      const known = inputs.get(call)
      if (known === undefined) inputs.set(call, [input])
      else if (!known.includes(input)) known.push(input)
    },
    hadInput(call, input) {
      const known = inputs.get(call)
      if (known === undefined) return false
      const text = typeof input === 'string' ? input : JSON.stringify(input)
      if (known.includes(text)) return true
      // A store may have put the keys in another order.
      const plain = plainJson(input)
      return plain.ok && known.some((one) => canonicalText(one) === canonicalJson(plain.value))
    },
    // No getters, which would make the whole slow to read.
    inputs,
    texts: { [Symbol.iterator]: () => entries(texts) },
    results: { [Symbol.iterator]: () => resultsOf(results) },
  }
}

const NONE: readonly number[] = Object.freeze([])

function sameContent(remembered: readonly Json[], shown: unknown): boolean {
  if (typeof shown !== 'object' || shown === null) return false
  const plain = plainJson(shown)
  if (!plain.ok) return false
  const text = canonicalJson(plain.value)
  return remembered.some((one) => typeof one === 'object' && one !== null && canonicalJson(one) === text)
}

function canonicalText(text: string): string | undefined {
  try {
    const plain = plainJson(JSON.parse(text))
    return plain.ok ? canonicalJson(plain.value) : undefined
  } catch {
    return undefined
  }
}

function* resultsOf(
  results: ReadonlyMap<string, ShownResult>,
): Generator<readonly [call: string, shown: readonly Json[], chunk: number]> {
  for (const [call, { shown, chunk }] of results) yield [call, shown, chunk]
}

function* entries(
  texts: Record<Role, Map<string, number[]>>,
): Generator<readonly [Role, string, readonly number[]]> {
  for (const [role, map] of Object.entries(texts) as [Role, Map<string, number[]>][])
    for (const [text, chunks] of map) yield [role, text, chunks]
}
