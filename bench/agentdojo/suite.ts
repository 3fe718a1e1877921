import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Json } from './manifest.ts'

const json: z.ZodType<Json> = z.json()
const call = z.object({
  tool: z.string(),
  args: z.record(z.string(), json),
  output: json,
})
const read = call.extend({ injectedOutput: json.optional() })
const suite = z.object({
  suite: z.string(),
  version: z.string(),
  tools: z.array(
    z.object({ name: z.string(), description: z.string(), inputSchema: z.record(z.string(), json) }),
  ),
  userTasks: z.array(
    z.object({ id: z.string(), prompt: z.string(), calls: z.array(call), injectedCalls: z.array(call) }),
  ),
  injectionTasks: z.array(z.object({ id: z.string(), goal: z.string(), calls: z.array(call) })),
  environment: json,
  reads: z.array(read),
})

/** A suite as it was exported: tools, tasks with the calls that do them, attacks, and further reads. */
export type Suite = z.infer<typeof suite>
export type RecordedCall = z.infer<typeof call>
export type UserTask = Suite['userTasks'][number]
export type InjectionTask = Suite['injectionTasks'][number]

/** Something that the person who runs the benchmark can put right; the message says what. */
export class UsageError extends Error {}

/**
 * The suites of a folder, or the one of this name.
 *
 * @throws {UsageError} If the folder holds none, or a file that does not fit the format; names the file and key.
 */
export function loadSuites(folder: string, name?: string): readonly Suite[] {
  let files: readonly string[]
  try {
    files = readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .toSorted()
  } catch {
    throw new UsageError(`There is no folder ${folder}. bench/agentdojo/README.md says how to get the data.`)
  }
  const suites = files.map((file) => parseSuite(readFileSync(join(folder, file), 'utf8'), file))
  const chosen = name === undefined ? suites : suites.filter((one) => one.suite === name)
  if (chosen.length > 0) return chosen
  throw new UsageError(
    name === undefined
      ? `${folder} holds no suite. bench/agentdojo/README.md says how to get the data.`
      : `${folder} holds no suite '${name}'; it holds ${suites.map((one) => one.suite).join(', ') || 'none'}.`,
  )
}

/** @throws {UsageError} If the text is not a suite; names the key. */
export function parseSuite(text: string, file: string): Suite {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    throw new UsageError(`${file} is not JSON.`)
  }
  const parsed = suite.safeParse(given)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new UsageError(`${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a suite'}`)
}
