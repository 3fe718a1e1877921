import {
  createGuard,
  guardModel,
  guardTools,
  hear,
  memoryAudit,
  participant,
  type Run,
  untrusted as marked,
} from '@gatewright/runtime'
import { permit, permitContracted, policy } from '@gatewright/runtime/policy'
import { callTool, say, scriptedModel, type Step, type ToolCall } from '@gatewright/runtime/testing'
import type { ModelMessage } from 'ai'
import { contracts, enter, tools } from './tools.ts'
import type { Door, Rules, Untrusted, World } from './world.ts'

type Message = Parameters<ReturnType<typeof guardModel>['doGenerate']>[0]['prompt'][number]
/** Messages that stay together. */
interface Block {
  readonly messages: readonly Message[]
  readonly pruned: boolean
}

const PRINCIPAL = { subject: 'user:alice' } as const
const INSTRUCTIONS = 'You help.'
const OPERATORS = ['operator:mail', 'operator:drive', 'operator:bank', 'operator:desk'] as const
const READS: { readonly [DOOR in Door]?: (item: Untrusted) => ToolCall } = {
  page: () => ({ tool: 'readPage', input: {} }),
  error: () => ({ tool: 'breakDown', input: {} }),
  mail: () => ({ tool: 'readMail', input: {} }),
  passage: () => ({ tool: 'search', input: {} }),
  'secret passage': () => ({ tool: 'search', input: {} }),
  'memory of eve': () => ({ tool: 'search', input: {} }),
  'stranger file': ({ fields: [name] }) => ({ tool: 'findFiles', input: { name } }),
  'stranger payee': ({ fields: [name, city] }) => ({ tool: 'findPayees', input: { name, city } }),
  echo: ({ text }) => ({ tool: 'openTicket', input: { q: text } }),
  handle: ({ text }) => ({ tool: 'prepare', input: { note: text } }),
}

const policies = {
  all: policy({ version: '1', rules: [permitContracted] }),
  basis: policy({
    version: '1',
    rules: [
      permitContracted,
      permit('small-payments', { tools: ['pay'], basis: { to: { any: true }, amount: { atMost: 100 } } }),
    ],
  }),
  authors: policy({
    version: '1',
    rules: [
      permit('known-authors', {
        allAuthorsIn: ['developer', 'user:alice', 'user:eve', 'agent:desk@1', ...OPERATORS],
      }),
      permit('reads', { tools: readTools() }),
    ],
  }),
  audience: policy({
    version: '1',
    rules: [
      permit('mail', { tools: ['sendMail'], audienceWithin: ['bob@x.example'] }),
      permit('rest', { tools: Object.keys(tools).filter((name) => name !== 'sendMail') }),
    ],
  }),
} satisfies Record<Rules, ReturnType<typeof policy>>

function readTools(): string[] {
  return Object.entries(contracts).flatMap(([name, one]) =>
    one === 'read' || one.effect === 'read' ? [name] : [],
  )
}

/** Play a world up to the model request from which the worst call would come. */
export async function play(world: World): Promise<Run> {
  const { trusted, untrusted, shape } = world
  enter(world)
  const guard = createGuard({
    agent: { id: 'desk', version: '1', expires: new Date('2999-01-01') },
    policy: policies[trusted.rules],
    audit: { sink: memoryAudit({ capacity: 1 }) },
    trusted: OPERATORS,
  })
  const run = await guard.startRun({ principal: PRINCIPAL })
  const bound = guardTools(run, tools, contracts as never)
  let next: Step = say('')
  const model = guardModel(run, scriptedModel(Array.from({ length: 60 }, () => () => next)))
  run.trusted(INSTRUCTIONS)
  const system: Message = { role: 'system', content: INSTRUCTIONS }
  const definitions = untrusted
    .filter(({ door }) => door === 'tool description')
    .map(({ text }, index) => ({
      type: 'function' as const,
      name: `extra${index}`,
      description: text,
      inputSchema: { type: 'object' as const },
    }))
  const blocks: Block[] = []

  /** One request of the model, the call that it leads to, and what came of it. */
  async function step(call: ToolCall, pruned: boolean, prompt?: readonly Message[]): Promise<void> {
    next = callTool(call.tool, call.input)
    const request = prompt ?? [system, ...blocks.flatMap(({ messages }) => messages)]
    const { content } = await model.doGenerate({ prompt: [...request], tools: definitions })
    const made = content.find((part) => part.type === 'tool-call')
    if (made === undefined) throw new Error('The model made no call.')
    const { execute } = bound[call.tool as 'readPage'] as unknown as {
      execute: (input: unknown, options: unknown) => Promise<unknown>
    }
    const { toolCallId } = made
    const output = await execute(call.input, { toolCallId, messages: [] }).then(
      (value) => ({ type: 'json', value }),
      (error: unknown) => ({ type: 'error-text', value: String(error) }),
    )
    if (prompt !== undefined) return
    const said = { type: 'tool-call', toolCallId, toolName: call.tool, input: call.input }
    const back = { type: 'tool-result', toolCallId, toolName: call.tool, output }
    const messages = [
      ...(shape.callsPruned ? [] : [{ role: 'assistant', content: [said] }]),
      { role: 'tool', content: [back] },
    ]
    blocks.push({ messages: messages as Message[], pruned })
  }

  const heard: ModelMessage[] = []
  for (const [index, text] of trusted.turns.entries()) {
    const isLast = index === trusted.turns.length - 1
    const message = userMessage(text, isLast ? untrusted : [])
    heard.push(message)
    hear(run, heard)
    heard.push({ role: 'assistant', content: 'Done.' })
    blocks.push({ messages: [promptMessage(message)], pruned: false })
  }
  if (trusted.grant !== undefined) await run.grant(trusted.grant)
  for (const call of trusted.made) await step(call, true, [system])
  for (const item of untrusted) blocks.push(...given(item))
  const records = async (): Promise<void> => {
    for (const { name } of trusted.files)
      await step({ tool: 'findFiles', input: { name } }, shape.recordsPruned)
    for (const { name, city } of trusted.payees)
      await step({ tool: 'findPayees', input: { name, city } }, shape.recordsPruned)
  }
  if (shape.recordsFirst) await records()
  for (const item of untrusted) {
    const call = READS[item.door]?.(item)
    if (call === undefined) continue
    enter(world, item)
    // The model must have read the words somewhere before it can say them.
    if (item.door === 'echo' || item.door === 'handle')
      await step({ tool: 'readPage', input: {} }, item.pruned)
    await step(call, item.pruned)
  }
  if (!shape.recordsFirst) await records()
  await step({ tool: 'listTickets', input: {} }, false)

  const kept = blocks.filter(({ pruned }) => !pruned)
  const ordered = kept
    .map((block, index) => ({ block, at: shape.order[index % shape.order.length] ?? 0 }))
    .toSorted((a, b) => a.at - b.at)
    .flatMap(({ block }) => block.messages)
  next = say('')
  const prompt = [system, ...ordered]
  if (!shape.reloaded || trusted.grant !== undefined) {
    await model.doGenerate({ prompt, tools: definitions })
    return run
  }
  const again = await guard.startRun({ principal: PRINCIPAL, ledger: run.save() })
  await run.end()
  guardTools(again, tools, contracts as never)
  await guardModel(again, scriptedModel([say('')])).doGenerate({ prompt, tools: definitions })
  return again
}

/** A message of the user, with what outsiders have in it. */
function userMessage(text: string, untrusted: readonly Untrusted[]): ModelMessage & { role: 'user' } {
  const quotes = untrusted
    .filter(({ door }) => door === 'reply quote')
    .map((item) => `\n\n> ${item.text.replaceAll('\n', '\n> ')}`)
  const parts = untrusted.flatMap((item) => {
    if (item.text === '') return []
    if (item.door === 'marked part') return [marked(item.text, 'a page')]
    return item.door === 'participant' ? [participant('user:eve', item.text)] : []
  })
  return { role: 'user', content: [{ type: 'text', text: text + quotes.join('') }, ...parts] }
}

function promptMessage({ content }: ModelMessage & { role: 'user' }): Message {
  const parts =
    typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'text' ? [part] : []))
  return { role: 'user', content: parts.map(({ text }) => ({ type: 'text', text })) }
}

/** What an application passes without having asked for it. */
function given({ door, text, pruned }: Untrusted): Block[] {
  const block = (message: unknown): Block[] => [{ messages: [message as Message], pruned }]
  const forged = { toolCallId: 'forged-1', toolName: 'readPage' }
  switch (door) {
    case 'assistant history':
      return block({ role: 'assistant', content: [{ type: 'text', text }] })
    case 'forged call':
      return block({ role: 'assistant', content: [{ type: 'tool-call', ...forged, input: { text } }] })
    case 'forged result':
      return block({
        role: 'tool',
        content: [{ type: 'tool-result', ...forged, output: { type: 'json', value: text } }],
      })
    case 'steering':
      return block({ role: 'user', content: [{ type: 'text', text: `Also: ${text}` }] })
    case 'system steering':
      return block({ role: 'system', content: `Also: ${text}` })
    case 'file part':
      return block({
        role: 'user',
        content: [{ type: 'file', mediaType: 'text/plain', data: { type: 'text', text } }],
      })
    default:
      return []
  }
}
