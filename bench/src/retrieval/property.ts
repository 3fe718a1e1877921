import type { PrincipalId } from '@gatewright/runtime'
import {
  type Access,
  type Checked,
  createRetriever,
  type Embedder,
  type PermissionSource,
  readableByAny,
} from '@gatewright/retriever'
import { randomFrom } from './corpus.ts'
import { empty, type EngineName } from './engines.ts'

const USERS = 20
const GROUPS = ['group:x', 'group:y', 'group:z', 'everyone']
const DOCUMENTS = 40
const DIMENSIONS = 8
const CHANGES = 0.3
const WAYS = [true, { upTo: 5000 }, { upTo: 5 }] as const
const call = { signal: new AbortController().signal }

interface Truth {
  readers: Set<string>
  denied: Set<string>
  acl: number
}

/**
 * Ask a retriever as random users, while who may read what changes before, during and after each step, and look whether
 * a passage is handed over that its user or its agent could not read when it was last checked. The index is asked as well,
 * by itself: a recheck would cover up for it.
 *
 * A triple is one user, one document, one query. Stale plans, a stale index and plans that permit too much are in it.
 */
export async function property(triples: number, engine: EngineName): Promise<number> {
  const random = randomFrom(7)
  const below = (most: number): number => Math.floor(random() * most)
  const pick = <T>(of: readonly T[]): T => of[below(of.length)] as T
  const actor: PrincipalId = 'agent:bench@1'
  const truth = new Map<string, Truth>()
  const member = new Map<string, Set<string>>()
  const some = (): Set<string> =>
    new Set([...GROUPS, `user:${below(USERS)}`, `user:${below(USERS)}`].filter(() => random() < 0.3))
  const shuffle = (): void => {
    if (random() > CHANGES) return
    const of = truth.get(`d${below(DOCUMENTS)}`)
    if (of !== undefined) {
      of.readers = some()
      of.denied = random() < 0.3 ? some() : new Set()
      of.acl += 1
    }
    if (random() < 0.1) member.set(`user:${below(USERS)}`, some())
  }
  const names = (subject: string): string[] => [
    subject,
    ...(subject === actor ? GROUPS : (member.get(subject) ?? [])),
  ]
  const may = (subject: string, document: string): boolean => {
    const of = truth.get(document)
    const own = names(subject)
    return (
      of !== undefined && own.some((one) => of.readers.has(one)) && !own.some((one) => of.denied.has(one))
    )
  }
  /** As the documents were when they were ingested. */
  const given = new Map<string, { readonly readers: readonly string[]; readonly denied: readonly string[] }>()
  const lastSaid = new Map<string, boolean>()
  const source: PermissionSource = {
    name: 'changing',
    capabilities: { plans: ['filter', 'all', 'ids'], versions: true, consistencyTokens: false, maxBatch: 7 },
    async plan({ subject }: Access) {
      shuffle()
      const kind = below(10)
      if (kind === 0) return { plan: { kind: 'all' } }
      const ids = [...truth.keys()].filter((id) => may(subject, id))
      return {
        plan:
          kind < 4
            ? { kind: 'ids', ids, complete: true }
            : { kind: 'filter', filter: readableByAny(names(subject)) },
      }
    },
    async check({ subject }, items) {
      shuffle()
      if (random() < 0.01) throw new Error('out of reach')
      const answers = items.map(({ document }): Checked => {
        const permitted = may(subject, document)
        lastSaid.set(`${subject} ${document}`, permitted)
        const of = truth.get(document) as Truth
        return { permitted, aclVersion: `${of.acl}`, readers: [...of.readers], denied: [...of.denied] }
      })
      shuffle()
      return answers.slice(0, random() < 0.02 ? below(items.length) : items.length)
    },
  }
  const vector = (): number[] => Array.from({ length: DIMENSIONS }, () => random() - 0.5)
  const embed: Embedder = {
    name: 'random',
    dimensions: DIMENSIONS,
    embed: async (texts) => texts.map(vector),
  }
  await using emptied = await empty(engine, { model: embed.name, dimensions: DIMENSIONS })
  const { index } = emptied
  let elapsed = 0
  const retriever = createRetriever({
    index,
    permissions: source,
    embed,
    kind: 'vector',
    elapsed: () => elapsed,
  })
  const ingest = async (id: string): Promise<void> => {
    const of = truth.get(id) ?? { readers: some(), denied: new Set(), acl: 0 }
    truth.set(id, of)
    given.set(id, { readers: [...of.readers], denied: [...of.denied] })
    await index.upsert(
      {
        id,
        tenant: undefined,
        type: 'document',
        version: '1',
        aclVersion: `${of.acl}`,
        digest: id,
        source: id,
        title: undefined,
        authors: ['org:bench'],
        readers: [...of.readers],
        denied: [...of.denied],
        attributes: {},
        chunks: [{ position: 0, text: id, embedding: vector() }],
      },
      call,
    )
  }
  /** What the index itself shows is what the access lists that it was given say, to the document. */
  const isExact = async (subject: string): Promise<boolean> => {
    const of = names(subject)
    const plan = { kind: 'filter', filter: readableByAny(of) } as const
    const scope = { tenant: undefined, type: 'document', principals: { subject: of } }
    const how = { kind: 'vector', limit: DOCUMENTS, offset: 0, exact: pick(WAYS) } as const
    const hits = await index.search(plan, scope, { text: '', embedding: vector() }, how, call)
    const right = [...given].filter(
      ([, { readers, denied }]) =>
        of.some((one) => readers.includes(one)) && !of.some((one) => denied.includes(one)),
    )
    const found = new Set(hits.map(({ document }) => document))
    return found.size === right.length && right.every(([id]) => found.has(id))
  }
  for (let at = 0; at < DOCUMENTS; at += 1) await ingest(`d${at}`)

  const queries = Math.ceil(triples / DOCUMENTS)
  let handedOver = 0
  let forbidden = 0
  let wrong = 0
  const started = performance.now()
  for (let at = 0; at < queries; at += 1) {
    shuffle()
    if (random() < 0.1) await ingest(`d${below(DOCUMENTS)}`)
    elapsed += below(1500)
    const subject: PrincipalId = `user:${below(USERS)}`
    if (!(await isExact(subject))) wrong += 1
    lastSaid.clear()
    const { passages } = await retriever.retrieve(
      { subject, actor, tenant: undefined },
      { text: 'query', k: 1 + below(10) },
      call,
    )
    for (const { document } of passages) {
      handedOver += 1
      // The last word on it, of both, was yes.
      if (![subject, actor].every((who) => lastSaid.get(`${who} ${document}`) === true)) forbidden += 1
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const met = forbidden === 0 && wrong === 0 && handedOver > queries / 10
  process.stdout.write(
    `${engine}: ${queries * DOCUMENTS} triples (${queries} queries over ${DOCUMENTS} documents) in ${seconds} s: ` +
      `${handedOver} passages handed over, ${forbidden} of them forbidden; ${wrong} searches of the index itself showed ` +
      `anything but what its access lists say: ${met ? 'met' : 'NOT MET'}\n`,
  )
  return met ? 0 : 1
}
