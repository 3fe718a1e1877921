import { type CredentialAccess, guardAgent } from '@gatewright/runtime'
import { content } from '@gatewright/runtime/contract'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { alice, type Api, type Desk, openApi, openDesk, WAYS } from './desk.ts'

let api: Api
beforeEach(async () => {
  api = await openApi()
})
afterEach(() => api[Symbol.asyncDispose]())

/** Three tools: one has a token, one shows what their server has seen, one is told things. */
async function talk(
  { guard }: Desk,
  way: (typeof WAYS)[number],
  withToken: (credentials: CredentialAccess, tell: (note: string) => Promise<unknown>) => Promise<unknown>,
): Promise<{ prompts: string; raw: string[]; told: string[] }> {
  const raw: string[] = []
  const told: string[] = []
  const model = scriptedModel([callTool('use', { id: 'o-17' }), callTool('recent', {}), say('done')])
  const tools = {
    use: tool({
      inputSchema: z.object({ id: z.string() }),
      async execute(_, options): Promise<unknown> {
        const { context } = options as unknown as { context: { credentials: CredentialAccess } }
        // As a tool set in the hands of a tool calls another of its tools.
        const tell = async (note: string): Promise<unknown> =>
          await (guarded['tell'] as typeof tools.tell).execute?.({ note }, options as never)
        return await withToken(context.credentials, tell)
      },
    }),
    recent: tool({
      inputSchema: z.object({}),
      async execute() {
        const seen = JSON.stringify(api.seen.map(({ headers }) => headers))
        raw.push(seen)
        return { requests: seen, inBase64: Buffer.from(seen).toString('base64') }
      },
    }),
    tell: tool({
      inputSchema: z.object({ note: z.string() }),
      execute: async ({ note }) => void told.push(note),
    }),
  }
  let guarded: Record<string, unknown> = {}
  const agent = guardAgent(guard, {
    model,
    tools,
    contracts: {
      use: { effect: 'read', credentials: { audience: api.origin, scopes: ['orders:read'] } },
      recent: 'read',
      tell: { effect: 'write', args: { note: content() } },
    },
    prepareCall: async ({ tools: own }) => {
      guarded = own as Record<string, unknown>
      return {}
    },
  })
  const asked = { prompt: 'Look up o-17.', options: { principal: alice } }
  if (way === 'generate') await agent.generate(asked)
  else await (await agent.stream(asked)).consumeStream()
  return { prompts: JSON.stringify(model.prompts), raw, told }
}

describe.for(WAYS)('a token that a call used (%s)', (way) => {
  test('is taken out of what other tools of the run bring back', async () => {
    await using desk = openDesk({ api })
    const { prompts, raw } = await talk(desk, way, async (credentials) => {
      await credentials.fetch(`${api.origin}/orders/o-17`)
      return 'ok'
    })
    const [token = ''] = desk.issuer.tokens.keys()
    // The server does show it.
    expect(raw.join()).toContain(token)
    expect(prompts).toContain('[secret]')
    expect(prompts).not.toContain('CANARY')
    const inBase64 = Buffer.from(prompts.match(/"inBase64":"([^"]*)"/)?.[1] ?? '', 'base64')
    expect(inBase64.toString()).not.toContain(token)
    expect(JSON.stringify(desk.events)).not.toContain('CANARY')
  })

  test('is in the input of no call that its tool makes', async () => {
    await using desk = openDesk({ api })
    const codes: unknown[] = []
    const { told } = await talk(desk, way, async (credentials, tell) => {
      const token = await credentials.token()
      for (const note of [`It is ${token}.`, `It is ${btoa(token)}.`, 'It is a secret.'])
        await tell(note).catch((error: { code: string }) => codes.push(error.code))
      return 'ok'
    })
    expect(told).toEqual(['It is a secret.'])
    expect(codes).toEqual(['ERR_DENIED', 'ERR_DENIED'])
    expect(JSON.stringify(desk.events)).not.toContain('CANARY')
    expect(desk.events.filter((event) => event.type === 'decision' && event.tool === 'tell')).toMatchObject([
      { outcome: 'deny', reasons: [{ rule: 'credential-in-input' }] },
      { outcome: 'deny', reasons: [{ rule: 'credential-in-input' }] },
      { outcome: 'permit' },
    ])
  })
})
