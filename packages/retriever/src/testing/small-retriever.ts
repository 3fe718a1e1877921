import { hashedNgrams } from '../embed.ts'
import { memoryIndex } from '../index/memory.ts'
import type { Asker, RetrievalEvent, Retriever, RetrieverOptions } from '../retrieval.ts'
import { createRetriever } from '../retriever.ts'
import type { IndexedDocument, SearchIndex } from '../search-index.ts'
import type { LabelledPassage } from '../label-hits.ts'
import { documentOf } from './index-world.ts'
import { type ScriptedPermissions, scriptedPermissions } from './retrieval-world.ts'

export const options: { readonly signal: AbortSignal } = { signal: new AbortController().signal }
export const embed: ReturnType<typeof hashedNgrams> = hashedNgrams({ dimensions: 64 })
export const alice: Asker = { subject: 'user:alice', actor: 'agent:a@1', tenant: 'acme' }

/** A retriever over a few documents in memory, for an agent that may read all, with a clock of its own. */
export interface SmallRetriever {
  readonly index: SearchIndex
  readonly permissions: ScriptedPermissions
  readonly events: RetrievalEvent[]
  readonly retriever: Retriever
  pass(ms: number): void
  put(id: string, readers: string[], text?: string, more?: Partial<IndexedDocument>): Promise<void>
  ask(
    asker?: Asker,
    k?: number,
  ): Promise<{ ids: string[]; complete: boolean; passages: readonly LabelledPassage[] }>
}

export async function world(given: Partial<RetrieverOptions> = {}): Promise<SmallRetriever> {
  const index = given.index ?? memoryIndex({ model: embed.name, dimensions: embed.dimensions })
  const permissions = scriptedPermissions()
  permissions.unrestricted.add('agent:a@1')
  const events: RetrievalEvent[] = []
  let now = 0
  const retriever = createRetriever({
    index,
    permissions,
    embed,
    type: 'page',
    audit: (event) => void events.push(event),
    elapsed: () => now,
    ...given,
  })
  return {
    index,
    permissions,
    events,
    retriever,
    pass(ms) {
      now += ms
    },
    async put(
      id: string,
      readers: string[],
      text = `the plan for ${id}`,
      more: Partial<IndexedDocument> = {},
    ) {
      const [embedding = []] = await embed.embed([text], options)
      const chunks = [{ position: 0, text, embedding }]
      await index.upsert(documentOf(id, { readers, aclVersion: '1', chunks, ...more }), options)
      permissions.documents.set(id, {
        version: 'v1',
        aclVersion: '1',
        readers,
        denied: [...(more.denied ?? [])],
      })
    },
    async ask(asker: Asker = alice, k = 10) {
      const { passages, complete } = await retriever.retrieve(asker, { text: 'the plan', k }, options)
      return { ids: passages.map(({ document }) => document).toSorted(), complete, passages }
    },
  }
}
