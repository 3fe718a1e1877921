import type { SqlQuery } from './sql-database.ts'
import { vectorText } from './sql-vector.ts'

/** pgvector keeps no more. */
export const MOST_EF_SEARCH = 1000
/** From twice pgvector's default: what is measured on a sample is not worth less. */
const CANDIDATES = [100, 150, 200, 300, 400, 600, MOST_EF_SEARCH] as const
/** Above what is promised, since it is measured on a sample. */
const LEAST_RECALL = 0.995
/** One of a thousand, which is as fine as the sample tells. */
const NO_MATTER = 0.001
const SAMPLES = 100
const K = 10
/** The least that is searched approximately by the retriever's default: the fewer are permitted, the more it takes. */
const FEW = 5000
/** Passages are told apart into so many parts, some of which are permitted for the purpose. */
const PARTS = 1000

/**
 * Find, for each of some shares of the passages, the least `ef_search` with which the approximate index finds 0.995 of
 * what an exact search finds among that share, or where none does, what the most would find, and keep it for all searches.
 * Gives the least recall that it reached.
 *
 * It asks for what is in the index: for each of a sample `a` it goes by (2a + 2b - c) / 3, with `b` and `c` near it,
 * which stands to its neighbourhood as a passage does, and is none of them.
 */
export async function calibrate(query: SqlQuery, s: string, dimensions: number): Promise<number> {
  const [row] = await query(`select count(*)::int as there from ${s}.passages`, [])
  const least = Math.min(1, FEW / Math.max(1, Number(row?.['there'])))
  const shares = [
    1,
    ...[1 / 2, 1 / 4, 1 / 8, 1 / 16].filter((one) => one > least),
    ...(least < 1 ? [least] : []),
  ]
  const asked = await questions(query, s, dimensions)
  // Too few passages for questions are searched exactly anyway.
  if (asked.length === 0) return 1
  const vector = `$1::text::vector(${dimensions})`
  const part = `(p.id * 7919) % ${PARTS}`
  const nearest = async (text: string, ...values: unknown[]): Promise<{ id: string; part: number }[]> =>
    (await query(text, values)).map(({ id, part: of }) => ({ id: String(id), part: Number(of) }))

  // Far enough that the nearest of the smallest share are among them.
  const far = Math.ceil((4 * K) / (shares.at(-1) as number)) + 10 * K
  const truths: { question: string; near: { id: string; part: number }[] }[] = []
  for (const one of asked)
    truths.push({
      question: one,
      near: await nearest(
        `select p.id::text as id, (${part})::int as part from ${s}.passages p
        order by (p.embedding <#> ${vector}) + 0 limit $2::int`,
        one,
        far,
      ),
    })
  await query(
    `select set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('enable_seqscan', 'off', true),
      set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
      set_config('hnsw.max_scan_tuples', '1000000', true), set_config('hnsw.scan_mem_multiplier', '32', true)`,
    [],
  )
  const recallOf = async (share: number, efSearch: number): Promise<number> => {
    await query(`select set_config('hnsw.ef_search', $1::text, true)`, [`${efSearch}`])
    let found = 0
    let all = 0
    for (const { question, near } of truths) {
      const truth = new Set(
        near
          .filter((one) => one.part < share * PARTS)
          .slice(0, K)
          .map(({ id }) => id),
      )
      const got = await nearest(
        `select p.id::text as id, 0 as part from ${s}.passages p where ${part} < $2::float8
        order by p.embedding <#> ${vector} limit $3::int`,
        question,
        share * PARTS,
        K,
      )
      found += got.filter(({ id }) => truth.has(id)).length
      all += truth.size
    }
    return found / Math.max(1, all)
  }

  const measured: number[] = []
  let reached = 1
  for (const share of shares) {
    // Of fewer never fewer: what it takes grows as the share shrinks.
    const candidates = CANDIDATES.filter((one) => one >= (measured.at(-1) ?? 0))
    const recalls: [number, number][] = []
    for (const efSearch of candidates) {
      recalls.push([efSearch, await recallOf(share, efSearch)])
      if ((recalls.at(-1)?.[1] ?? 0) >= LEAST_RECALL) break
    }
    // What a graph leaves out of reach, no effort finds: the least that finds nearly as much as the most.
    const best = Math.max(...recalls.map(([, recall]) => recall))
    const [efSearch, recall] = recalls.find(
      ([, one]) => one >= (best < LEAST_RECALL ? best - NO_MATTER : LEAST_RECALL),
    ) as [number, number]
    measured.push(efSearch)
    reached = Math.min(reached, recall)
  }
  await query(`update ${s}.meta set shares = $1::float8[], ef_search = $2::int[]`, [shares, measured])
  return reached
}

async function questions(query: SqlQuery, s: string, dimensions: number): Promise<string[]> {
  const rows = await query(
    `select a.embedding::text as a, b.embedding::text as b, c.embedding::text as c
    from (select id, embedding from ${s}.passages order by md5(id::text) limit $1::int) a,
      lateral (select array_agg(n.id) as ids from (select p.id from ${s}.passages p
        order by p.embedding <#> a.embedding limit 40) n) near
      join ${s}.passages b on b.id = near.ids[20] join ${s}.passages c on c.id = near.ids[40]`,
    [SAMPLES],
  )
  return rows.map((row) => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => JSON.parse(String(row[name])) as number[])
    const made = Array.from(
      { length: dimensions },
      (_, at) => (2 * (a?.[at] ?? 0) + 2 * (b?.[at] ?? 0) - (c?.[at] ?? 0)) / 3,
    )
    return vectorText(made)
  })
}
