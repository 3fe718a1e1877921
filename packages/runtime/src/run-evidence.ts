import { z } from 'zod'
import { ownWords } from './attest/own-words.ts'
import { GuardError } from './errors.ts'
import type { Json } from './json/plain.ts'
import { type Label, label } from './label/label.ts'
import type { Chunk } from './ledger/chunk.ts'
import type { Role } from './ledger/transcript.ts'
import { taskGrant, type TaskGrant } from './policy/grant.ts'
import type { RestoredCall, RunState } from './run-state.ts'
import { indexUserText } from './user-words.ts'

const json = z.json() as z.ZodType<Json>
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])
const savedLabel = z.strictObject({
  authors: z.array(z.string()).min(1),
  readers: z.array(z.strictObject({ members: z.array(z.string()), assigned: z.boolean() })),
})
const savedEvidence = z.strictObject({
  heard: z.array(z.tuple([z.string(), z.int()])),
  providerFacts: z.array(z.string()),
  said: z.array(z.strictObject({ chunk: z.int(), at: z.iso.datetime() })),
  texts: z.array(
    z.tuple([
      z.enum(['system', 'user', 'assistant', 'tool-definition', 'unknown']),
      z.string(),
      z.array(z.int()),
    ]),
  ),
  results: z.array(z.strictObject({ call: z.string(), shown: z.array(json), chunk: z.int() })),
  inputs: z.array(z.tuple([z.string(), z.array(z.string())])),
  relabelled: z.array(z.tuple([z.int(), z.int()])),
  made: z.array(z.string()),
  grant: z.strictObject({ turn: z.int(), grant: json, computed: z.boolean() }).optional(),
  standing: z.array(
    z.strictObject({
      id: z.string(),
      by: z.string(),
      tool: z.string(),
      bounds: z.record(
        z.string(),
        z.union([z.strictObject({ values: z.array(scalar) }), z.strictObject({ atMost: z.number() })]),
      ),
      sources: z.array(z.int()),
      expires: z.iso.datetime(),
    }),
  ),
  calls: z.array(
    z.strictObject({
      chunk: z.int(),
      tool: z.string(),
      contract: z.string(),
      input: json,
      turn: z.int(),
      args: z.array(
        z.strictObject({
          place: z.array(z.union([z.string(), z.number()])),
          value: scalar,
          label: savedLabel,
        }),
      ),
    }),
  ),
  derivations: z.array(
    z.strictObject({
      value: scalar,
      standing: z.enum(['quoted', 'bound', 'minted']),
      turn: z.int(),
      chunk: z.int(),
      kind: z.string().optional(),
      picked: z.boolean(),
    }),
  ),
})

type SavedCall = z.input<typeof savedEvidence>['calls'][number]

/** What a run keeps beside its ledger, as plain JSON. */
export function evidenceOf(state: RunState): Json {
  const saved: z.input<typeof savedEvidence> = {
    heard: [...state.heard],
    providerFacts: [...state.providerFacts],
    said: state.said.map(({ chunk, at }) => ({ chunk, at: at.toISOString() })),
    texts: [...state.transcript.texts].map(([role, text, chunks]) => [role, text, [...chunks]]),
    results: [...state.transcript.results].map(([call, shown, chunk]) => ({
      call,
      shown: [...shown],
      chunk,
    })),
    inputs: [...state.transcript.inputs].map(([call, inputs]) => [call, [...inputs]]),
    relabelled: [...state.relabelled],
    made: state.made.turn === state.ledger.turn ? [...state.made.keys] : [],
    ...(state.grant === undefined
      ? {}
      : { grant: { ...state.grant, grant: state.grant.grant as unknown as Json } }),
    standing: state.standing.map(({ id, by, tool, bounds, sources, expires }) => ({
      id,
      by,
      tool,
      bounds: structuredClone(bounds) as Record<string, { atMost: number }>,
      sources: [...sources],
      expires: expires.toISOString(),
    })),
    // A result that carried labels of its own attests nothing, so it need not come back as evidence.
    calls: [
      ...state.evidence.calls
        .filter(({ carried }) => carried === undefined)
        .map(({ chunk, contract, input, turn, args }) => ({
          chunk: chunk.id,
          tool: contract.tool,
          contract: contract.digest,
          input,
          turn,
          args: args.map(({ place, value, label: own }) => ({
            place: [...place],
            value,
            label: labelJson(own),
          })),
        })),
      ...[...state.restored.values()].flat().map(({ saved: one }) => one as SavedCall),
    ],
    derivations: state.derivations.all.map((derivation) => ({ ...derivation })),
  }
  return saved as Json
}

/**
 * Give a run back what its saved ledger kept beside it.
 *
 * Results come back as evidence when their tool is under the same contract again; under another contract they
 * stay what they were in the ledger, and attest nothing.
 *
 * @throws {GuardError} `ERR_LEDGER_INVALID`, if it does not fit the saved form.
 */
export function restoreEvidence(state: RunState, saved: Json): void {
  const parsed = savedEvidence.safeParse(saved)
  if (!parsed.success)
    throw invalid(`evidence.${parsed.error.issues[0]?.path.join('.') ?? ''} does not fit the saved form`)
  const { data } = parsed
  const chunkOf = (id: number): Chunk => state.ledger.chunks[id] ?? fail()
  for (const [key, times] of data.heard) state.heard.set(key, times)
  for (const one of data.providerFacts) state.providerFacts.add(one)
  for (const { chunk: id, at } of data.said) {
    const chunk = chunkOf(id)
    if (typeof chunk.content !== 'string' || chunk.origin.kind !== 'user-message')
      throw invalid('a message of the user is none')
    state.said.push({ chunk: id, at: new Date(at) })
    indexUserText(state, ownWords(chunk.content), chunk, new Date(at))
  }
  for (const [role, text, chunks] of data.texts)
    for (const id of chunks) state.transcript.remember(role as Role, text, chunkOf(id).id)
  for (const { call, shown, chunk } of data.results)
    for (const one of shown) state.transcript.rememberResult(call, one, chunkOf(chunk).id)
  for (const [call, inputs] of data.inputs)
    for (const input of inputs) state.transcript.rememberInput(call, input)
  for (const [from, to] of data.relabelled) state.relabelled.set(chunkOf(from).id, chunkOf(to).id)
  state.made.turn = state.ledger.turn
  for (const key of data.made) state.made.keys.add(key)
  // Without it, a run that goes on in another process would be free of what narrowed it.
  if (data.grant !== undefined) state.grant = { ...data.grant, grant: grantOfSaved(data.grant.grant) }
  for (const { expires, ...one } of data.standing)
    state.standing.push({ ...one, run: state.id, expires: new Date(expires) })
  for (const derivation of data.derivations) state.derivations.add(derivation)
  for (const call of data.calls) {
    const { chunk, tool, contract, input, turn, args } = call
    const kept = chunkOf(chunk)
    const list = state.restored.get(tool) ?? []
    const restore: RestoredCall['restore'] = (compiled) =>
      compiled.digest === contract
        ? {
            chunk: kept,
            contract: compiled,
            input,
            turn,
            value: kept.content,
            args: args.map(({ label: own, ...arg }) => ({ ...arg, label: label(own.authors, own.readers) })),
            principal: state.principal,
            defaultReaders: state.defaultReaders,
          }
        : undefined
    list.push({ saved: call as Json, restore })
    state.restored.set(tool, list)
  }
}

function labelJson({ authors, readers }: Label): z.input<typeof savedLabel> {
  return {
    authors: [...authors],
    readers: readers.map(({ members, assigned }) => ({ members: [...members], assigned })),
  }
}

function fail(): never {
  throw invalid('it refers to a chunk that is not in it')
}

function invalid(why: string): GuardError {
  return new GuardError('ERR_LEDGER_INVALID', `A saved ledger cannot be loaded: ${why}.`)
}

function grantOfSaved(saved: Json): TaskGrant {
  try {
    return taskGrant(saved as unknown as TaskGrant)
  } catch {
    throw invalid('its task grant is none')
  }
}
