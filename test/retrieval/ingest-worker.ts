// A process that ingests, and hangs at a moment of its work until it is killed. Its environment says where and when.
import { ingest } from '@gatewright/retriever/ingest'
import { documents, embedderInto, IDS, type IndexAt, openIndex, SPLIT } from './ingest-world.ts'

/** With a part of the passages embedded; with all of them written and not committed. */
export type Moment = 'embedding' | 'writing'

export interface IngestJob {
  readonly at: IndexAt
  /** The file that holds every text that was embedded. */
  readonly log: string
  /** Documents that are brought in first, in an older version. */
  readonly before: readonly string[]
  /** How many documents are worked on side by side. */
  readonly concurrency?: number
  readonly stop: { readonly id: string; readonly moment: Moment }
}

const { at, log, before, concurrency = 1, stop } = JSON.parse(process.env['INGEST_JOB'] ?? '') as IngestJob
// It outlives nobody who forgot to kill it.
setTimeout(() => process.exit(1), 60_000)

async function hangAt(moment: Moment, id: string): Promise<void> {
  if (!isAtWork || moment !== stop.moment || id !== stop.id) return
  process.stdout.write('hangs\n')
  await new Promise(() => {})
}

let isAtWork = false
let current = ''
const open = await openIndex(at, async (sql) => {
  if (/insert into \S+\.passages/.test(sql)) await hangAt('writing', current)
})
const embed = embedderInto(log, async (texts) => {
  const id = /of (d\d),/.exec(texts[0] ?? '')?.[1] ?? ''
  current = id
  await hangAt('embedding', id)
})
const options = { index: open.index, embed, split: SPLIT, signal: AbortSignal.timeout(60_000) }
await ingest(documents(before, '1'), options)
isAtWork = true
await ingest(documents(IDS, '2'), { ...options, concurrency })
process.stdout.write('ended\n')
process.exit(0)
