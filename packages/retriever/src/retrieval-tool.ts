import { type Acting, ConfigError, labelled } from '@gatewright/runtime'
import type { StillShown, ToolContract } from '@gatewright/runtime/contract'
import { jsonSchema, type Tool, tool } from 'ai'
import { checkK } from './check-options.ts'
import type { LabelledPassage } from './label-hits.ts'
import type { Asker, Held, Retriever } from './retrieval.ts'

/** One passage as the model reads it. */
export interface ShownPassage {
  readonly document: string
  readonly version: string
  /** Version of the permissions that it was read under, where there is one. */
  readonly access?: string
  readonly position: number
  readonly title?: string
  readonly source: string
  readonly score: number
  readonly text: string
}

export interface RetrievalResult {
  readonly passages: readonly ShownPassage[]
}

export interface RetrievalToolOptions {
  /** What the model is told that can be found. */
  readonly description?: string
  /** Most passages of one call. Default 5. */
  readonly k?: number
  /** Longest query, in UTF-16 units; a longer one is refused. Default 2,000. */
  readonly longestQuery?: number
}

/** A tool of the AI SDK and what the guard is told of it: put both under one name. */
export interface RetrievalTool {
  readonly tool: Tool<{ query: string }, RetrievalResult>
  readonly contract: ToolContract<{ query: string }, 'query', never>
}

const LONGEST_QUERY = 2000

/**
 * A tool with which a guarded agent searches documents, and its contract.
 *
 * Whose documents is not for the model to say: the tool runs for the user and the agent of the guarded run, and throws
 * outside of one. The model is given the passages and nothing else: no counts, no word on what was dropped, and not
 * whether the result is complete, since all of these tell something of what it may not see. Each passage carries its
 * document's authors and readers as labels. Passages of earlier turns are checked again at each new turn, and those that
 * fail drop out of the prompt.
 */
export function retrievalTool(
  retriever: Retriever,
  {
    description = 'Search the documents that the user may read. Returns passages, best first.',
    k = 5,
    longestQuery = LONGEST_QUERY,
  }: RetrievalToolOptions = {},
): RetrievalTool {
  checkK(k)
  if (!Number.isInteger(longestQuery) || longestQuery < 1)
    throw new ConfigError('longestQuery', longestQuery, 'a whole number above 0')
  return {
    tool: tool({
      description,
      inputSchema: jsonSchema<{ query: string }>(
        {
          type: 'object',
          properties: { query: { type: 'string', maxLength: longestQuery } },
          required: ['query'],
          additionalProperties: false,
        },
        { validate: (value) => checkedQuery(value, longestQuery) },
      ),
      execute: async ({ query }, options) => {
        const { passages } = await retriever.retrieve(
          askerOf((options as { readonly acting?: Acting }).acting),
          { text: query, k },
          { signal: options.abortSignal ?? NEVER },
        )
        // What carries labels is a value for the guard alone; the model is shown what it wraps.
        return labelledResult(passages) as unknown as RetrievalResult
      },
    }) as Tool<{ query: string }, RetrievalResult>,
    contract: {
      effect: 'read',
      carriesLabels: true,
      revalidate: async (results, { acting, signal }) => {
        const held = results.map(passagesIn)
        const answers = await retriever.recheck(
          askerOf(acting),
          held.flatMap((one) => one ?? []),
          { signal },
        )
        let at = 0
        return results.map((result, i) => {
          const own = held[i]?.map(() => answers[at++] === true)
          return own === undefined ? false : stillShown(result, own)
        })
      },
    },
  }
}

const NEVER = new AbortController().signal

function askerOf(acting: Acting | undefined): Asker {
  if (acting === undefined)
    throw new ConfigError('acting', undefined, 'a guarded run: this tool needs to be told for whom it runs')
  const { subject, tenant, attributes } = acting.principal
  return { subject, actor: acting.agent, tenant, ...(attributes === undefined ? {} : { attributes }) }
}

function checkedQuery(
  value: unknown,
  longest: number,
): { success: true; value: { query: string } } | { success: false; error: Error } {
  const query = (value as { readonly query?: unknown } | null)?.query
  return typeof query === 'string' && query.length <= longest
    ? { success: true, value: { query } }
    : { success: false, error: new Error(`query: expected a text of at most ${longest} characters.`) }
}

function labelledResult(passages: readonly LabelledPassage[]): ReturnType<typeof labelled<RetrievalResult>> {
  const labels = passages.map(({ label }, at) => [`passages.${at}.**`, label] as const)
  return labelled<RetrievalResult>(
    { passages: passages.map(shown) },
    // That nothing was found is said in the developer's words.
    labels.length === 0 ? { passages: { authors: ['developer'] } } : Object.fromEntries(labels),
  )
}

function shown({
  document,
  version,
  aclVersion,
  position,
  title,
  source,
  score,
  text,
}: LabelledPassage): ShownPassage {
  return {
    document,
    version,
    ...(aclVersion === undefined ? {} : { access: aclVersion }),
    position,
    ...(title === undefined ? {} : { title }),
    source,
    // A score to the last digit would be a finer measure of a text than anyone needs.
    score: Math.round(score * 1000) / 1000,
    text,
  }
}

/** What is left of an earlier result: its passages that may be shown, and nothing that tells of the others. */
function stillShown(result: unknown, may: readonly boolean[]): StillShown {
  if (may.every(Boolean)) return true
  const { passages } = result as { readonly passages: readonly ShownPassage[] }
  // A gap between two scores would tell that there was something between them.
  const left = passages.filter((_, at) => may[at]).map(({ score: _score, ...passage }) => passage)
  return left.length > 0 && { only: { passages: left } }
}

/** The passages of an earlier result; undefined for what this tool did not return. */
function passagesIn(result: unknown): readonly Held[] | undefined {
  const { passages } = (result ?? {}) as { readonly passages?: unknown }
  if (!Array.isArray(passages)) return undefined
  const held = passages.map((one: unknown): Held | undefined => {
    const { document, version, access } = (one ?? {}) as Record<string, unknown>
    if (typeof document !== 'string' || typeof version !== 'string') return undefined
    return { document, version, ...(typeof access === 'string' ? { aclVersion: access } : {}) }
  })
  return held.every((one) => one !== undefined) ? held : undefined
}
