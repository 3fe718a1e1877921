import type { Tool, ToolSet } from 'ai'
import type { ToolCall } from './scripted-model.ts'

/** A call that really reached its tool. */
export interface RecordedCall extends ToolCall {
  /** What the tool gave back; undefined while it runs, or where it threw. */
  readonly output: unknown
  readonly status: 'running' | 'returned' | 'threw'
}

/** Tools that keep what is really executed. */
export interface RecordedTools<TOOLS extends ToolSet> {
  /** The same tools; wrap these. */
  readonly tools: TOOLS
  /** In the order in which they began. */
  readonly calls: readonly RecordedCall[]
}

type Execute = (input: unknown, options: unknown) => unknown

/**
 * Wrap mock tools so that a test can say what was executed, whatever the model was told: the input is copied when
 * the tool begins.
 */
export function recordCalls<const TOOLS extends ToolSet>(tools: TOOLS): RecordedTools<TOOLS> {
  const calls: RecordedCall[] = []
  const out: Record<string, Tool> = {}
  for (const [name, tool] of Object.entries(tools)) out[name] = recorded(name, tool, calls)
  return { tools: out as TOOLS, calls }
}

type Open = { -readonly [KEY in keyof RecordedCall]: RecordedCall[KEY] }

function recorded(name: string, tool: Tool, calls: RecordedCall[]): Tool {
  const execute = tool.execute as Execute | undefined
  if (execute === undefined) return tool
  // Spreading would lose what is not enumerable, such as a tool caller.
  const own = Object.getOwnPropertyDescriptors(tool) as Record<string, PropertyDescriptor>
  const begin = (input: unknown): Open => {
    const call: Open = {
      tool: name,
      input: structuredClone(input) as ToolCall['input'],
      output: undefined,
      status: 'running',
    }
    calls.push(call)
    return call
  }
  own['execute'] = {
    value: isAsyncGenerator(execute) ? generating(execute, begin) : returning(execute, begin),
    enumerable: true,
    configurable: true,
    writable: true,
  }
  return Object.create(Object.getPrototypeOf(tool) as object, own) as Tool
}

function returning(execute: Execute, begin: (input: unknown) => Open): Execute {
  return async (input, options) => {
    const call = begin(input)
    return await ending(call, async () => (call.output = await execute(input, options)))
  }
}

function generating(execute: Execute, begin: (input: unknown) => Open): Execute {
  return async function* (input: unknown, options: unknown) {
    const call = begin(input)
    const values = (execute(input, options) as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    for (;;) {
      const { done, value } = await ending(call, () => values.next())
      if (done === true) return
      call.output = value
      yield value
    }
  }
}

async function ending<T>(call: Open, work: () => Promise<T>): Promise<T> {
  try {
    const value = await work()
    call.status = 'returned'
    return value
  } catch (error) {
    call.status = 'threw'
    throw error
  }
}

function isAsyncGenerator(execute: Execute): boolean {
  return Object.prototype.toString.call(execute) === '[object AsyncGeneratorFunction]'
}
