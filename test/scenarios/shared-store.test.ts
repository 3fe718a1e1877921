import { generateKeyPairSync } from 'node:crypto'
import { approvalSigner, createGuard, type Guard, guardAgent, type GuardOptions } from '@gatewright/runtime'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { memoryStore, type Store } from '@gatewright/runtime/store'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { describe, expect, test } from 'vitest'
import { ALICE, desk, pay, play, search, shop } from './shop.ts'

const WHY = { by: 'user:oncall', reason: 'INC-42' }
const opened = (): Store => memoryStore({ now: () => new Date() })
const real = { now: () => new Date() }

/** A guard of its own process, as far as anyone can tell, on a store that others use too. */
const guardOn = (store: Store, more: Partial<GuardOptions> = {}): Guard =>
  desk(more.limits, { ...real, store, ...more }).guard

describe('two guards with one store', () => {
  test('share quotas', async () => {
    const store = opened()
    await using here = guardOn(store)
    await using there = guardOn(store)
    const at = shop()
    const quota = { calls: 3, per: 'user' } as const
    for (const guard of [here, there, here, there, here]) await play(guard, at, { steps: [pay(1)], quota })
    expect(at.ran).toHaveLength(3)
  })

  test('share halts, and the one that is told last has aborted its run before the first is answered', async () => {
    const store = opened()
    await using here = guardOn(store)
    await using there = guardOn(store)
    await using run = await here.startRun({ principal: ALICE })
    expect(await there.halt({ tenant: 'acme' }, WHY)).toMatchObject({
      processes: { confirmed: 1, ranOut: 0 },
    })
    expect(run.signal.aborted).toBe(true)
    await expect(here.startRun({ principal: ALICE })).rejects.toMatchObject({ code: 'ERR_HALTED' })
    await there.resume({ tenant: 'acme' }, WHY)
    await expect.poll(() => here.halts()).toEqual([])
  })

  test('go on with each other’s conversations', async () => {
    const store = opened()
    await using here = guardOn(store)
    await using there = guardOn(store)
    const model = scriptedModel([say('Hello.'), say('Again.')])
    const options = { principal: ALICE, conversation: 'c-1' }
    await guardAgent(here, { model, tools: {}, contracts: {} }).generate({ prompt: 'Hi.', options })
    expect((await there.ledgers.load('c-1', { signal: AbortSignal.timeout(30_000) }))?.subject).toBe(
      ALICE.subject,
    )
  })

  test('spend one signed yes once, whichever of them heard it', async () => {
    const store = opened()
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const sign = approvalSigner({
      approver: 'user:boss',
      privateKey: privateKey.export({ format: 'jwk' }) as never,
      ...real,
    })
    const approvals = {
      channel: { present: () => undefined },
      approvers: [{ id: 'user:boss' as const, key: publicKey.export({ format: 'jwk' }) as never }],
      waitMs: 5000,
    }
    await using here = guardOn(store, { approvals })
    await using there = guardOn(store, { approvals })
    const at = shop()
    const played = play(here, at, { steps: [pay(7)], contract: { risk: 'high' } })
    const { approvals: elsewhere } = there
    if (elsewhere === undefined) throw new Error('No approvals are configured.')
    await expect.poll(() => elsewhere.pending()).toHaveLength(1)
    const [request] = await elsewhere.pending()
    const statement = await sign(request as never, 'approve')
    await elsewhere.decide(statement)
    await played
    expect(at.ran).toHaveLength(1)
    await expect(here.approvals?.decide(statement)).rejects.toMatchObject({ code: 'ERR_APPROVAL_STALE' })
  })
})

describe('a guard with a store', () => {
  test('starts nothing while the store cannot be reached', async () => {
    const down = (): never => {
      throw new Error('connection refused')
    }
    await using guard = guardOn({ ...opened(), compareAndSet: down, read: down, watch: down, epoch: down })
    await expect(guard.startRun({ principal: ALICE })).rejects.toThrow('connection refused')
  })

  test('has halted everything in its process once it was disposed of', async () => {
    const store = opened()
    const guard = guardOn(store)
    const run = await guard.startRun({ principal: ALICE })
    await guard[Symbol.asyncDispose]()
    expect(run.signal.aborted).toBe(true)
    await expect(guard.startRun({ principal: ALICE })).rejects.toMatchObject({
      code: 'ERR_HALTED',
      // No operator did: the message is the same for all, and the developer is told.
      decision: { reasons: [{ text: expect.stringContaining('was closed') as string }] },
    })
    // Its lease is gone, so that nobody waits for it.
    await using other = guardOn(store)
    expect(await other.halt({ tool: 'pay' }, WHY)).toMatchObject({ processes: { confirmed: 0, ranOut: 0 } })
  })

  test('says what is kept where, and lets each part be given apart', async () => {
    const store = opened()
    const kept = 'in the store (memory: this process alone, forgotten by a restart)'
    await using guard = guardOn(store)
    expect(guard.describe()).toMatchObject({ limits: kept, halts: kept, ledgers: kept })
    const counted: string[] = []
    const own = {
      reserve: (id: string) => ({ ok: counted.push(id) > 0 }) as { ok: true },
      settle: () => {},
      release: () => {},
      forget: () => {},
    }
    const limits = { store: own, quotas: [{ calls: 5, per: 'run' as const }] }
    await using other = guardOn(store, { limits })
    expect(other.describe()).toMatchObject({ limits: 'configured', halts: kept })
    const at = shop()
    const model = scriptedModel([callTool('search', { q: 'x' }), say('Done.')])
    const agent = guardAgent(other, { model, tools: at.tools, contracts: at.contracts as never })
    await agent.generate({ prompt: 'Go.', options: { principal: ALICE } })
    expect([at.ran.length, counted.length]).toEqual([1, 1])
  })

  test('does not start on what is no store, or on limits that are a store themselves', () => {
    const agent = { id: 'clerk', version: '1', expires: new Date('2100-01-01') }
    const rules = policy({ version: '1', rules: [permitContracted] })
    expect(() => createGuard({ agent, policy: rules, store: { name: 'none' } as never })).toThrow(
      /store: expected a store with reserve\(\)/,
    )
    expect(() => createGuard({ agent, policy: rules, limits: opened() as never })).toThrow(/limits\.name/)
  })
})

test('a guard with no store shares nothing, and says so', async () => {
  const { guard } = desk(undefined)
  expect(guard.describe()).toMatchObject({
    store: 'none: nothing is shared between processes',
    halts: 'in memory of this process',
  })
  await play(guard, shop(), { steps: [search()] })
})
