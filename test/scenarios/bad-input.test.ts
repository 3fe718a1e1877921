import {
  type ConfigError,
  createGuard,
  guardAgent,
  type GuardOptions,
  type Principal,
} from '@gatewright/runtime'
import { content, email, minted } from '@gatewright/runtime/contract'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { scriptedModel } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openDesk } from './office.ts'

const NOW = new Date('2026-03-02T10:00:00Z')
const AGENT = { id: 'clerk', version: '1', expires: new Date('2030-01-01') }
const GOOD: GuardOptions = {
  agent: AGENT,
  policy: policy({ version: '1', rules: [permitContracted] }),
  now: () => NOW,
}

/** The message names the key, what is expected there and what was given. */
const names = (key: string, expected: string, given: string): string =>
  `${key}: expected ${expected}; got ${given}.`

const messageOf = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    return (error as ConfigError).message
  }
  return 'accepted'
}

describe('a guard does not start with', () => {
  const agent = (change: object) => ({ ...GOOD, agent: { ...AGENT, ...change } })
  test.each<[string, unknown]>([
    [names('agent', 'an object that describes the agent', 'nothing'), { ...GOOD, agent: undefined }],
    [names('agent.id', 'a name without @ and spaces', "'a@b'"), agent({ id: 'a@b' })],
    [names('agent.id', 'a name without @ and spaces', '5'), agent({ id: 5 })],
    [names('agent.version', 'a version without spaces', "''"), agent({ version: '' })],
    [names('agent.expires', 'a Date', "'2030-01-01'"), agent({ expires: '2030-01-01' })],
    [
      names('agent.expires', 'a time that is still to come', '"2020-01-01T00:00:00.000Z"'),
      agent({ expires: new Date('2020-01-01') }),
    ],
    [names('agent.allowedTools', 'a list of names of tools', "'all'"), agent({ allowedTools: 'all' })],
    [names('agent', 'no other keys', '["expiry"]'), agent({ expiry: 5 })],
    [names('mode', "'attest' or 'floor'", "'off'"), { ...GOOD, mode: 'off' }],
    [names('trusted', 'principals, and never anyone', "'anyone'"), { ...GOOD, trusted: ['anyone'] }],
    [
      names('policy', 'what policy() returned, a source of it, or a policy engine', 'nothing'),
      { ...GOOD, policy: undefined },
    ],
    [
      names('policy', 'what policy() returned', '{"version":"1","rules":[]}'),
      { ...GOOD, policy: { version: '1', rules: [] } },
    ],
    [
      names('approvals.channel', 'a channel with present()', 'nothing'),
      { ...GOOD, approvals: { approvers: [] } },
    ],
    [names('audit.sink', 'a sink with write()', '{}'), { ...GOOD, audit: { sink: {} } }],
  ])('%s', (message, options) => {
    expect(messageOf(() => createGuard(options as GuardOptions))).toBe(message)
  })
})

describe('a run does not start for', () => {
  const alice = { subject: 'user:alice' }
  test.each<[string, unknown]>([
    [names('principal', 'an object that describes the principal', 'nothing'), undefined],
    [names('principal.subject', "a subject such as 'user:alice'", 'nothing'), {}],
    [names('principal.subject', "a subject such as 'user:alice'", "'alice'"), { subject: 'alice' }],
    [
      names('principal.timeZone', "an IANA time zone such as 'Europe/Berlin'", "'Mars/Base'"),
      { ...alice, timeZone: 'Mars/Base' },
    ],
    [
      names('principal.locale', "a BCP 47 locale such as 'en-GB'", "'klingon!'"),
      { ...alice, locale: 'klingon!' },
    ],
    [
      names('principal.attributes.level', 'a string, a number or a boolean', '{}'),
      { ...alice, attributes: { level: {} } },
    ],
    [names('principal.identities', 'a list of names', "'a@x'"), { ...alice, identities: 'a@x' }],
    [names('principal', 'no other keys', '["role"]'), { ...alice, role: 'admin' }],
  ])('%s', async (message, principal) => {
    await expect(openDesk().guard.startRun({ principal: principal as Principal })).rejects.toThrow(message)
  })
})

describe('an agent is not wrapped with', () => {
  const send = tool({
    inputSchema: z.object({ to: z.string(), body: z.string() }),
    execute: async () => null,
  })
  const good = { effect: 'irreversible', args: { to: email(), body: content() } }
  const wrap = (contracts: object, more: object = {}, tools: object = { send }): string =>
    messageOf(() =>
      guardAgent(openDesk().guard, { model: scriptedModel([]), tools, contracts, ...more } as never),
    )

  test('the good ones are', () => {
    expect(wrap({ send: good })).toBe('accepted')
  })

  test.each<[string, string]>([
    ['a tool with no contract', wrap({})],
    ['a contract of no tool', wrap({ send: good, sendMail: 'read' })],
    ['an unknown effect', wrap({ send: { effect: 'maybe' } })],
    ['an unknown path of an argument', wrap({ send: { ...good, args: { too: email() } } })],
    [
      'an unknown path of a schema’s result',
      wrap(
        { send: { effect: 'read', result: { ids: minted() } } },
        {},
        {
          send: tool({
            inputSchema: z.object({}),
            outputSchema: z.object({ id: z.string() }),
            execute: async () => ({ id: '1' }),
          }),
        },
      ),
    ],
    [
      'a token where there is no source of tokens',
      wrap({ send: { ...good, credentials: { audience: 'a', scopes: ['b'] } } }),
    ],
    ['a name twice', wrap({ send: good }, { dynamic: [{ tools: { send }, contracts: { send: good } }] })],
    [
      'a dynamic tool with no contract',
      wrap({ send: good }, { dynamic: [{ tools: { more: send }, contracts: {} }] }),
    ],
  ])('%s', (_, message) => {
    expect(message).toMatch(/^[\w.']+.*: expected .+; got .+\.$/s)
  })

  test('no principal', async () => {
    const agent = guardAgent(openDesk().guard, {
      model: scriptedModel([]),
      tools: { send },
      contracts: { send: good },
    } as never)
    await expect(agent.generate({ prompt: 'x' } as never)).rejects.toThrow(
      'options.principal: expected the authenticated user',
    )
  })
})
