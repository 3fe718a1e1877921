import { createGuard, guardAgent, type GuardOptions, memoryAudit } from '@gatewright/runtime'
import { sessionSubject } from '@gatewright/runtime/identity'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { callTool, say, scriptedModel, type Step } from '@gatewright/runtime/testing'
import { isStepCount, type ToolExecutionOptions } from 'ai'
import { describe, expect, test } from 'vitest'
import { ALICE, HOUR, shop } from './world.ts'

const START = new Date('2030-05-01T12:00:00.000Z').getTime()
const EXPIRED = { code: 'ERR_SUBJECT_EXPIRED', message: 'The authentication of the user has expired.' }
const WAYS = ['generate', 'stream'] as const

/** A desk whose clock a test sets; Alice's session there lasts for an hour. */
function desk(more: Partial<GuardOptions> = {}) {
  const clock = { at: START }
  const audit = memoryAudit()
  const guard = createGuard({
    agent: { id: 'clerk', version: '1', expires: new Date('2999-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink: audit },
    now: () => new Date(clock.at),
    ...more,
  })
  const session = (lasts: number | undefined) =>
    sessionSubject({
      principal: ALICE,
      by: 'web login',
      ...(lasts === undefined ? {} : { until: new Date(START + lasts) }),
    })
  const later = (): void => void (clock.at = START + HOUR)
  return { guard, audit, clock, session, later }
}

async function play(
  { guard }: ReturnType<typeof desk>,
  { tools, contracts }: ReturnType<typeof shop>,
  steps: readonly Step[],
  options: object,
  way: (typeof WAYS)[number] = 'generate',
) {
  const model = scriptedModel([...steps, say('Done.')])
  const agent = guardAgent(guard, {
    model,
    tools,
    contracts: contracts as never,
    stopWhen: isStepCount(9),
    toolCallConcurrency: 1,
  })
  const errors: unknown[] = []
  const asked = { prompt: 'Go on.', options: { principal: ALICE, ...options } }
  try {
    if (way === 'generate') await agent.generate(asked)
    else
      for await (const part of (await agent.stream(asked)).fullStream)
        if (part.type === 'error' || part.type === 'abort') errors.push('error' in part ? part.error : part)
  } catch (error) {
    errors.push(error)
  }
  return { model, errors }
}

const lookup = callTool('lookup', {})
const pay = callTool('pay', {})

test('a run is not started for a user whose session is over, and is a moment before', async () => {
  const { guard, clock, session } = desk()
  clock.at = START + HOUR
  await expect(guard.startRun(session(HOUR))).rejects.toMatchObject(EXPIRED)
  clock.at -= 1
  await using run = await guard.startRun(session(HOUR))
  expect(run.signal.aborted).toBe(false)
})

test('the audit says when a run of a user ends', async () => {
  const { guard, audit, session } = desk()
  await using parent = await guard.startRun(session(HOUR))
  await using _ = await guard.startRun({ principal: ALICE, parent })
  const said = audit.events().flatMap((one) => (one.type === 'run-started' ? [one.authentication] : []))
  expect(said).toEqual([
    { kind: 'session', by: 'web login', until: '2030-05-01T13:00:00.000Z' },
    // It ends with the run that it is part of.
    { kind: 'unstated', until: '2030-05-01T13:00:00.000Z' },
  ])
})

describe('when the session of a user ends during a run', () => {
  test.each(WAYS)('its model is asked no more (%s)', async (way) => {
    for (const lasts of [undefined, HOUR]) {
      const at = desk()
      const goods = shop(at.later)
      const { model, errors } = await play(at, goods, [lookup, pay], at.session(lasts), way)
      // With no end set, the payment is made long after the session was over.
      expect(goods.ran).toEqual(lasts === undefined ? ['lookup', 'pay'] : ['lookup'])
      expect(model.prompts).toHaveLength(lasts === undefined ? 3 : 1)
      // A stream whose run was ended ends as an aborted one does.
      const told =
        way === 'generate'
          ? EXPIRED
          : { type: 'abort', reason: expect.stringContaining(EXPIRED.message) as string }
      expect(errors).toMatchObject(lasts === undefined ? [] : [told])
    }
  })

  test('a call that the model made before is refused, and the audit says why', async () => {
    for (const lasts of [undefined, HOUR]) {
      const at = desk()
      const goods = shop(at.later)
      await play(at, goods, [[lookup, pay]], at.session(lasts))
      expect(goods.ran).toEqual(lasts === undefined ? ['lookup', 'pay'] : ['lookup'])
      if (lasts === undefined) continue
      const refused = at.audit.events().find((one) => one.type === 'decision' && one.outcome === 'deny')
      expect(refused).toMatchObject({
        tool: 'pay',
        code: 'ERR_SUBJECT_EXPIRED',
        reasons: [{ step: 'identity', rule: 'subject-expired' }],
      })
    }
  })

  test('a call that waited for its token meanwhile is not made', async () => {
    for (const lasts of [undefined, HOUR]) {
      const at = desk({
        credentials: {
          issue() {
            at.later()
            return { audience: 'x', expires: undefined, token: () => 'a-token' }
          },
        },
      })
      const goods = shop()
      const contract = { effect: 'read', credentials: { audience: 'x', scopes: ['a'] } }
      const contracts = { ...goods.contracts, pay: contract } as never
      await play(at, { ...goods, contracts }, [pay], at.session(lasts))
      expect(goods.ran).toEqual(lasts === undefined ? ['pay'] : [])
      if (lasts !== undefined)
        expect(at.audit.events().find((one) => one.type === 'decision')).toMatchObject({
          outcome: 'deny',
          code: 'ERR_SUBJECT_EXPIRED',
        })
    }
  })

  test('a tool at work gets its token no more', async () => {
    for (const lasts of [undefined, HOUR]) {
      const at = desk({
        credentials: { issue: () => ({ audience: 'x', expires: undefined, token: () => 'a-token' }) },
      })
      const goods = shop()
      let got: unknown
      const execute = async (_: unknown, options: ToolExecutionOptions<never>): Promise<string> => {
        at.later()
        const { credentials } = (options as { context: { credentials: { token(): Promise<string> } } })
          .context
        got = await credentials.token().catch((error: unknown) => error)
        return 'ok'
      }
      const tools = { ...goods.tools, pay: { ...goods.tools.pay, execute } } as never
      const contract = { effect: 'read', credentials: { audience: 'x', scopes: ['a'] } }
      const contracts = { ...goods.contracts, pay: contract } as never
      await play(at, { ...goods, tools, contracts }, [pay], at.session(lasts))
      if (lasts === undefined) expect(got).toBe('a-token')
      else expect(got).toMatchObject(EXPIRED)
    }
  })

  test('what is under way is told to stop', async () => {
    const at = desk()
    const goods = shop()
    const execute = (_: unknown, { abortSignal }: ToolExecutionOptions<never>): Promise<never> => {
      // Nothing asks for the time any more but what waits for the end.
      at.later()
      return new Promise((_resolve, reject) => {
        abortSignal?.addEventListener('abort', () => reject(abortSignal.reason as Error))
      })
    }
    const tools = { ...goods.tools, pay: { ...goods.tools.pay, execute } } as never
    // Without an end this would wait for ever.
    const { errors } = await play(at, { ...goods, tools }, [pay], at.session(20))
    expect(errors).toMatchObject([EXPIRED])
    expect(at.audit.events().find((one) => one.type === 'outcome')).toMatchObject({
      status: 'aborted',
      code: 'ERR_SUBJECT_EXPIRED',
    })
  })

  test('an agent that acts for its agent stops as well, whatever it was started with', async () => {
    const at = desk()
    await using parent = await at.guard.startRun(at.session(HOUR))
    const { authentication } = at.session(2 * HOUR)
    await using child = await at.guard.startRun({ principal: ALICE, parent, authentication })
    const goods = shop(at.later)
    const { errors } = await play(at, goods, [lookup, pay], { run: child })
    expect(goods.ran).toEqual(['lookup'])
    expect(errors).toMatchObject([EXPIRED])
    await expect(at.guard.startRun({ principal: ALICE, parent, authentication })).rejects.toMatchObject(
      EXPIRED,
    )
  })

  test('the conversation goes on once the user has signed in again', async () => {
    const at = desk()
    const run = await at.guard.startRun({ ...at.session(HOUR), id: 'c-1' })
    at.later()
    const ledger = run.save()
    await run.end()
    await expect(at.guard.startRun({ ...at.session(HOUR), ledger })).rejects.toMatchObject(EXPIRED)
    await using again = await at.guard.startRun({ ...at.session(2 * HOUR), ledger })
    expect(again.id).toBe('c-1')
  })
})
