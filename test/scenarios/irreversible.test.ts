import { content, email } from '@gatewright/runtime/contract'
import { deny, obligate, permitContracted, policy } from '@gatewright/runtime/policy'
import { callTool } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ALICE, decisions, type Desk, EVE, office, openDesk, work } from './office.ts'

const IBAN = 'GB29NWBK60161331926819'
const SAID = `Pay 50 to ${IBAN}.`
const read = callTool('searchDocs', { query: 'x' })
const pay = callTool('pay', { iban: IBAN, amount: 50 })
const send = (subject: string, to = 'bob@shop.example', body = 'hello') =>
  callTool('sendEmail', { to, subject, body })

const paid = (at: { ran: readonly { tool: string }[] }): number =>
  at.ran.filter((one) => one.tool === 'pay').length

describe('after an outsider’s words, an irreversible call that the user asked for', () => {
  test('is made once in a turn, and the second time a person is asked', async () => {
    const [desk, at] = [openDesk(), office()]
    await work(desk, at, { prompt: SAID, steps: [read, pay, pay] })
    expect(paid(at)).toBe(1)
    expect(decisions(desk, 'pay').at(-1)).toMatchObject({
      code: 'ERR_APPROVAL_REQUIRED',
      rules: ['already-made-this-turn'],
    })
  })

  test('is made once by parallel calls of one step', async () => {
    const [desk, at] = [openDesk(), office()]
    await work(desk, at, { prompt: SAID, steps: [read, [pay, callTool('pay', { iban: IBAN, amount: 50 })]] })
    expect(paid(at)).toBe(1)
  })

  test('is the same call under another subject line, and in another spelling', async () => {
    const [desk, at] = [openDesk(), office()]
    await work(desk, at, {
      prompt: 'Mail hello to bob@shop.example.',
      steps: [
        read,
        [send('one'), send('two', 'BOB@SHOP.EXAMPLE')],
        send('three', 'bob@shop.example', 'other words'),
      ],
    })
    expect(at.ran.filter((one) => one.tool === 'sendEmail')).toHaveLength(1)
  })

  test('may be made again once the user asks again', async () => {
    const [desk, at] = [openDesk(), office()]
    await using run = await desk.guard.startRun({ principal: ALICE })
    const first = await work(desk, at, { prompt: SAID, steps: [read, pay], options: { run } })
    const again = { role: 'user', content: `Once more: ${SAID}` } as const
    const prompt = [{ role: 'user', content: SAID } as const, ...first.messages, again]
    await work(desk, at, { prompt, steps: [pay], options: { run } })
    expect(paid(at)).toBe(2)
  })

  test('does not stand on what the user said in an earlier turn', async () => {
    const [desk, at] = [openDesk(), office()]
    await using run = await desk.guard.startRun({ principal: ALICE })
    const first = await work(desk, at, { prompt: SAID, steps: [read], options: { run } })
    const prompt = [
      { role: 'user', content: SAID } as const,
      ...first.messages,
      { role: 'user', content: 'Thanks. What is new?' } as const,
    ]
    await work(desk, at, { prompt, steps: [pay], options: { run } })
    expect(paid(at)).toBe(0)
    expect(decisions(desk, 'pay').at(-1)?.rules).toEqual(['no-basis'])
  })

  test('counts even if it was made before the outsider’s words came', async () => {
    const [desk, at] = [openDesk(), office()]
    await work(desk, at, { prompt: SAID, steps: [pay, read, pay] })
    expect(paid(at)).toBe(1)
  })

  test('is not used up by a call that was refused later on the way', async () => {
    let closed = true
    const limits = {
      reserve: () => ({ ok: !closed, key: 'calls' }) as { ok: true },
      settle: () => {},
      release: () => {},
      forget: () => {},
    }
    const [desk, at] = [openDesk({ limits: { store: limits } }), office()]
    const contracts = {
      ...at.contracts,
      pay: { ...at.contracts.pay, quota: { calls: 1, per: 'run' } },
    } as unknown as typeof at.contracts
    await work(
      desk,
      { ...at, contracts },
      {
        prompt: SAID,
        steps: [
          read,
          pay,
          () => {
            closed = false
            return pay
          },
        ],
      },
    )
    expect(decisions(desk, 'pay').map(({ code }) => code)).toEqual(['ERR_LIMIT_EXCEEDED', undefined])
    expect(paid(at)).toBe(1)
  })

  test('stays used up though a second one like it was refused', async () => {
    const rules = [
      permitContracted,
      deny('twice', {
        tools: ['pay'],
        when: ({ counts }) => counts.calls('pay') === 1 && counts.refusals() === 0,
      }),
    ]
    const [desk, at] = [openDesk({ policy: policy({ version: '1', rules }) }), office()]
    await work(desk, at, { prompt: SAID, steps: [read, pay, pay, pay] })
    expect(paid(at)).toBe(1)
  })
})

describe('a contract that insists on a trusted cause', () => {
  test('asks after an outsider’s words, whatever the user said', async () => {
    const [desk, at] = [openDesk(), office()]
    const contracts = {
      ...at.contracts,
      pay: { ...at.contracts.pay, cause: 'trusted' },
    } as unknown as typeof at.contracts
    await work(desk, { ...at, contracts }, { prompt: SAID, steps: [read, pay] })
    expect(paid(at)).toBe(0)
    expect(decisions(desk, 'pay').at(-1)?.rules).toEqual(['no-basis'])
  })
})

describe('a contract that insists on attestation', () => {
  const insisting = (at: ReturnType<typeof office>) => ({
    ...at,
    contracts: {
      ...at.contracts,
      sendEmail: { ...at.contracts.sendEmail, attest: 'always' },
    } as unknown as typeof at.contracts,
  })

  test('asks about a value that nobody said, though nothing from outside was seen', async () => {
    const [desk, at] = [openDesk(), office()]
    await work(desk, insisting(at), { prompt: 'Mail the boss.', steps: [send('hi', EVE)] })
    expect(at.ran).toEqual([])
    expect(decisions(desk, 'sendEmail').at(-1)?.rules).toEqual(['unattested-argument'])
  })

  test('runs the user’s own spelling of one that was said', async () => {
    const [desk, at] = [openDesk(), office()]
    await work(desk, insisting(at), {
      prompt: 'Mail Bob@shop.example.',
      steps: [send('hi', 'bob@shop.example')],
    })
    expect(at.ran.map(({ input }) => (input as { to: string }).to)).toEqual(['Bob@shop.example'])
  })
})

test('in floor mode every call with an effect asks after an outsider’s words, and none before', async () => {
  const [desk, at] = [openDesk({ mode: 'floor' }), office()]
  await work(desk, at, { prompt: SAID, steps: [pay, read, callTool('pay', { iban: IBAN, amount: 50 })] })
  expect(paid(at)).toBe(1)
  expect(decisions(desk, 'pay').at(-1)?.rules).toEqual(['untrusted-cause'])
})

describe('a link in content', () => {
  const LINK = 'https://evil.example/?leak=1'
  const withLinks = (links: 'ask' | 'strip' | 'allow') => {
    const at = office()
    const args = { to: email(), subject: content(), body: content({ links }) }
    const contracts = {
      ...at.contracts,
      sendEmail: { ...at.contracts.sendEmail, args },
    } as unknown as typeof at.contracts
    return { ...at, contracts }
  }
  const bodies = (at: ReturnType<typeof withLinks>): unknown[] =>
    at.ran
      .filter(({ tool: name }) => name === 'sendEmail')
      .map(({ input }) => (input as { body: string }).body)
  const mail = async (links: 'ask' | 'strip' | 'allow', prompt: string): Promise<[unknown[], Desk]> => {
    const [desk, at] = [openDesk(), withLinks(links)]
    await work(desk, at, { prompt, steps: [read, send('', 'bob@shop.example', `see ${LINK}`)] })
    return [bodies(at), desk]
  }

  test('that the user did not say is asked about', async () => {
    const [sent, desk] = await mail('ask', 'Mail bob@shop.example.')
    expect([sent, decisions(desk, 'sendEmail').at(-1)?.rules]).toEqual([[], ['unattested-link']])
  })

  test('is taken out where the contract says so, and the rest is sent', async () => {
    const [sent, desk] = await mail('strip', 'Mail bob@shop.example.')
    expect(sent).toHaveLength(1)
    expect(sent[0]).toContain('see')
    expect(sent[0]).not.toContain('://evil.example')
    expect(decisions(desk, 'sendEmail').map(({ outcome }) => outcome)).toEqual(['permit'])
  })

  test('that the user said stands', async () => {
    const [sent] = await mail('ask', `Mail bob@shop.example the link ${LINK}`)
    expect(sent).toEqual([`see ${LINK}`])
  })

  test('stands where the contract lets it', async () => {
    expect((await mail('allow', 'Mail bob@shop.example.'))[0]).toEqual([`see ${LINK}`])
  })
})

describe('an input that a rule rewrites', () => {
  const capped = policy({
    version: '1',
    rules: [
      permitContracted,
      obligate('cap', {
        tools: ['pay'],
        when: ({ input }) => Number(input['amount']) > 10,
        must: [{ kind: 'replace', place: ['amount'], value: 10 }],
      }),
    ],
  })

  test('is decided on again, and runs as it was decided on', async () => {
    const [desk, at] = [openDesk({ policy: capped }), office()]
    await work(desk, at, { prompt: 'Pay them.', steps: [pay] })
    expect(at.ran).toEqual([{ tool: 'pay', input: { iban: IBAN, amount: 10 } }])
  })

  test('needs attestation of what it became, and uses up nothing of what it was', async () => {
    const [desk, at] = [openDesk({ policy: capped }), office()]
    await work(desk, at, { prompt: SAID, steps: [read, pay] })
    expect(paid(at)).toBe(0)
    expect(decisions(desk, 'pay').at(-1)?.rules).toContain('unattested-argument')
    const said = `Pay 10 or 50 to ${IBAN}.`
    await work(desk, at, { prompt: said, steps: [read, pay] })
    expect(at.ran.at(-1)).toEqual({ tool: 'pay', input: { iban: IBAN, amount: 10 } })
  })

  test('that never comes to rest is denied', async () => {
    let n = 0
    const flips = policy({
      version: '1',
      rules: [
        permitContracted,
        ...[0, 1].map((to) =>
          obligate(`flip-${to}`, {
            tools: ['pay'],
            when: ({ input }) =>
              (n += 1) > 0 && Number(input['amount']) !== to && Number(input['amount']) % 2 !== to,
            must: [{ kind: 'replace', place: ['amount'], value: to }],
          }),
        ),
      ],
    })
    const [desk, at] = [openDesk({ policy: flips }), office()]
    await work(desk, at, { prompt: 'Pay them.', steps: [pay] })
    expect([paid(at), decisions(desk, 'pay').at(-1)?.rules]).toEqual([0, ['rewrites-do-not-settle']])
  })
})

describe('readers that a contract assigned', () => {
  const payroll = (readers: object) => {
    const at = office()
    const salaries = tool({
      inputSchema: z.object({}),
      execute: async () => ({ text: 'salaries', acl: ['group:hr'] }),
    })
    return {
      ...at,
      tools: { ...at.tools, salaries } as unknown as typeof at.tools,
      contracts: {
        ...at.contracts,
        salaries: {
          effect: 'read',
          operator: 'drive',
          readers,
          result: { text: authoredByHr, acl: mintedAcl },
        },
      } as unknown as typeof at.contracts,
    }
  }
  const authoredByHr = { field: 'authored' } as const
  const mintedAcl = { field: 'minted' } as const
  const tell = async (readers: object, directory?: (recipient: string) => readonly string[]) => {
    const at = payroll(readers)
    const desk = openDesk(directory === undefined ? {} : { directory: { groupsOf: directory } })
    await work(desk, at, {
      prompt: 'Mail the salaries to bob@shop.example.',
      steps: [callTool('salaries', {}), send('', 'bob@shop.example')],
    })
    return decisions(desk, 'sendEmail').at(-1)
  }

  test('keep it from a recipient whom the user named, until somebody declassifies', async () => {
    expect((await tell({ principals: ['group:hr'] }))?.rules).toEqual(['reader-not-admitted'])
    expect((await tell({ at: ['acl'] }))?.rules).toEqual(['reader-not-admitted'])
  })

  test('admit a recipient by a group of theirs', async () => {
    expect(await tell({ at: ['acl'] }, () => ['group:hr'])).toMatchObject({ outcome: 'permit' })
  })

  test('admit nobody while the directory is out of reach', async () => {
    const out = await tell({ at: ['acl'] }, () => {
      throw new Error('down')
    })
    expect(out?.rules).toEqual(['reader-not-admitted'])
  })

  test('are no matter where the result is for everyone, or for the user alone and the user named the recipient', async () => {
    expect(await tell('everyone' as never)).toMatchObject({ outcome: 'permit' })
    const [desk, at] = [openDesk(), office()]
    await work(desk, at, { prompt: 'Mail bob@shop.example.', steps: [read, send('')] })
    expect(decisions(desk, 'sendEmail').at(-1)).toMatchObject({ outcome: 'permit' })
  })
})

test('an audience computed from content is not one that the user named', async () => {
  const [desk, at] = [openDesk(), office()]
  const audience = ({ body }: { body: string }): string[] => body.match(/@\w+/g) ?? []
  const contracts = {
    ...at.contracts,
    sendEmail: { ...at.contracts.sendEmail, audience },
  } as unknown as typeof at.contracts
  await work(
    desk,
    { ...at, contracts },
    {
      prompt: 'Mail bob@shop.example.',
      steps: [read, send('', 'bob@shop.example', 'hello @eve')],
    },
  )
  expect(decisions(desk, 'sendEmail').at(-1)?.rules).toEqual(['reader-not-admitted'])
})

test('an audience of which the contract’s function knows nothing is not admitted', async () => {
  const [desk, at] = [openDesk(), office()]
  const contracts = {
    ...at.contracts,
    sendEmail: { ...at.contracts.sendEmail, audience: () => undefined },
  } as unknown as typeof at.contracts
  await work(desk, { ...at, contracts }, { prompt: 'Mail bob@shop.example.', steps: [read, send('')] })
  expect(decisions(desk, 'sendEmail').at(-1)?.rules).toEqual(['reader-not-admitted'])
})
