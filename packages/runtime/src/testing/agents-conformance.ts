import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { AgentSpec } from '../identity/agent-record.ts'
import type { AgentRegistry } from '../identity/agents.ts'
import type { TestApi } from './describe-attacks.ts'

/** A driver of the registry of agents, as far as the suite drives it. */
export interface AgentsUnderTest {
  /** A client of the same registry each time, as another process would have one, with the clock of the suite. */
  readonly open: (now: () => Date) => AgentRegistry | Promise<AgentRegistry>
}

const HOUR = 3_600_000

/**
 * Define the tests that every registry of agents passes: what is registered, changed, rotated and retired is what
 * every client sees, with who did it and why, and of two operators at once one is told to look again.
 *
 * `api` is vitest's `{ describe, test }`, or that of another runner.
 */
export function describeAgents(name: string, under: AgentsUnderTest, api: TestApi): void {
  api.describe(name, () => {
    const start = new Date('2030-05-01T12:00:00.000Z').getTime()

    const trial = (promise: string, run: (trial: Trial) => Promise<void>): void => {
      api.test(promise, async () => {
        let time = start
        const now = (): Date => new Date(time)
        const signal = new AbortController().signal
        await run({
          agents: await under.open(now),
          other: await under.open(now),
          signal,
          by: { by: 'user:ops', reason: 'CHG-1', signal },
          spec: (more = {}) => ({
            id: `agent-${randomUUID()}`,
            type: 'support',
            version: '1.0.0',
            environment: 'production',
            owner: 'team:desk',
            expires: new Date(start + 24 * HOUR),
            ...more,
          }),
          advance(ms) {
            time += ms
          },
        })
      })
    }

    trial('what one client registers, another reads, with who and why', async ({ agents, other, ...at }) => {
      const spec = at.spec({
        allowedTools: ['lookup'],
        deniedTools: ['pay'],
        maxSessions: 3,
        credentials: [{ client: 'c-1', issuer: 'https://id.example', keys: ['k-1'] }],
      })
      const made = await agents.register(spec, at.by)
      const read = await other.get(spec.id, at)
      assert.deepEqual(read, made)
      assert.deepEqual(
        {
          ...spec,
          created: new Date(start),
          status: 'active',
          overlaps: [],
          revision: 1,
          changes: [
            {
              revision: 1,
              action: 'registered',
              at: new Date(start),
              by: 'user:ops',
              reason: 'CHG-1',
              changed: Object.keys(spec).toSorted(),
            },
          ],
        },
        read,
      )
      assert.ok((await other.list(at)).some(({ id }) => id === spec.id))
      assert.equal(await other.get(`${spec.id}-not`, at), undefined)
    })

    trial('an id is registered once, also after it was retired', async ({ agents, other, ...at }) => {
      const spec = at.spec()
      await agents.register(spec, at.by)
      await assert.rejects(other.register(spec, at.by), { code: 'ERR_AGENT_CONFLICT' })
      await agents.retire(spec.id, at.by)
      await assert.rejects(other.register(spec, at.by), { code: 'ERR_AGENT_CONFLICT' })
    })

    trial('of operators at once exactly one registers', async ({ agents, other, ...at }) => {
      const spec = at.spec()
      const tries = await Promise.allSettled(
        Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? agents : other).register(spec, at.by)),
      )
      assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
    })

    trial('a change meant for another revision changes nothing', async ({ agents, other, ...at }) => {
      const { id } = await agents.register(at.spec({ maxSessions: 1 }), at.by)
      const mine = await agents.update(id, { maxSessions: 2 }, { ...at.by, revision: 1 })
      assert.equal(mine.revision, 2)
      await assert.rejects(other.update(id, { maxSessions: 9 }, { ...at.by, revision: 1 }), {
        code: 'ERR_AGENT_CONFLICT',
      })
      assert.equal((await other.get(id, at))?.maxSessions, 2)
    })

    trial('no change is lost among operators at once', async ({ agents, other, ...at }) => {
      const { id } = await agents.register(at.spec(), at.by)
      const tries = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) =>
          (i % 2 === 0 ? agents : other).update(id, { owner: `team:${i}` }, at.by),
        ),
      )
      const made = tries.filter(({ status }) => status === 'fulfilled').length
      const record = await agents.get(id, at)
      assert.ok(made >= 1)
      assert.equal(record?.revision, made + 1)
      assert.equal(record?.changes.length, made + 1)
    })

    trial('a bound is set, and taken away by null', async ({ agents, other, ...at }) => {
      const { id } = await agents.register(at.spec({ allowedTools: ['lookup'], maxSessions: 1 }), at.by)
      await agents.update(id, { deniedTools: ['pay'], allowedTools: null, maxSessions: null }, at.by)
      const record = await other.get(id, at)
      assert.deepEqual(record?.deniedTools, ['pay'])
      assert.equal(record?.allowedTools, undefined)
      assert.equal(record?.maxSessions, undefined)
      assert.deepEqual(record?.changes[1]?.changed, ['allowedTools', 'deniedTools', 'maxSessions'])
    })

    trial('what is rotated out stays for its overlap, and not beyond its end', async ({ agents, ...at }) => {
      const { id } = await agents.register(at.spec({ credentials: [{ client: 'c', keys: ['old'] }] }), at.by)
      const rotated = await agents.rotate(
        id,
        {
          version: '2.0.0',
          expires: new Date(start + 48 * HOUR),
          credentials: [{ client: 'c', keys: ['new'] }],
          overlapMs: HOUR,
        },
        at.by,
      )
      assert.equal(rotated.version, '2.0.0')
      assert.deepEqual(rotated.overlaps, [
        {
          version: '1.0.0',
          until: new Date(start + HOUR),
          credentials: [{ client: 'c', keys: ['old'] }],
        },
      ])
      const again = await agents.rotate(id, { version: '3.0.0', overlapMs: 20 * 24 * HOUR }, at.by)
      assert.deepEqual(again.overlaps[1]?.until, new Date(start + 48 * HOUR))
      const atOnce = await agents.rotate(id, { version: '4.0.0' }, at.by)
      assert.deepEqual(atOnce.overlaps, [])
    })

    trial('a retired agent is final, and retiring it again changes nothing', async ({ agents, ...at }) => {
      const { id } = await agents.register(at.spec(), at.by)
      await agents.rotate(id, { version: '2', overlapMs: HOUR }, at.by)
      const retired = await agents.retire(id, at.by)
      assert.equal(retired.status, 'retired')
      assert.deepEqual(retired.overlaps, [])
      assert.equal((await agents.retire(id, at.by)).revision, retired.revision)
      await assert.rejects(agents.update(id, { owner: 'me' }, at.by), { code: 'ERR_AGENT_RETIRED' })
      await assert.rejects(agents.rotate(id, { version: '3' }, at.by), { code: 'ERR_AGENT_RETIRED' })
      await assert.rejects(agents.retire('nobody', at.by), { code: 'ERR_AGENT_UNKNOWN' })
    })

    trial('nothing is changed without who and why, or to what is no agent', async ({ agents, ...at }) => {
      const { id } = await agents.register(at.spec(), at.by)
      const config = { code: 'ERR_CONFIG_INVALID' }
      await assert.rejects(agents.retire(id, { ...at.by, by: ' ' }), config)
      await assert.rejects(agents.retire(id, { ...at.by, reason: '' }), config)
      await assert.rejects(agents.register(at.spec({ id: 'a@b' }), at.by), config)
      await assert.rejects(agents.register(at.spec({ owner: ' ' }), at.by), config)
      await assert.rejects(agents.register(at.spec({ expires: new Date(start) }), at.by), config)
      await assert.rejects(agents.register(at.spec({ expires: new Date(Number.NaN) }), at.by), config)
      await assert.rejects(agents.register({ ...at.spec(), secret: 'x' } as AgentSpec, at.by), config)
      await assert.rejects(agents.rotate(id, { expires: new Date(start - 1) }, at.by), config)
      await assert.rejects(agents.rotate(id, {}, at.by), config)
      await assert.rejects(agents.update(id, { maxSessions: 0 }, at.by), config)
      await assert.rejects(agents.update(id, { status: 'active' } as never, at.by), config)
      assert.equal((await agents.get(id, at))?.revision, 1)
    })

    trial('what it hands out cannot be written to', async ({ agents, ...at }) => {
      const { id } = await agents.register(at.spec({ deniedTools: ['pay'] }), at.by)
      const record = await agents.get(id, at)
      const denied = record?.deniedTools as string[]
      assert.throws(() => denied.pop(), TypeError)
      assert.throws(() => Object.assign(record as object, { status: 'active' }), TypeError)
      assert.deepEqual((await agents.get(id, at))?.deniedTools, ['pay'])
    })

    trial('an abort is not taken for an answer', async ({ agents, ...at }) => {
      const reason = new Error('stop')
      await assert.rejects(agents.get(at.spec().id, { signal: AbortSignal.abort(reason) }), reason)
    })

    trial('a change is heard of, where the driver tells', async ({ agents, other, ...at }) => {
      if (other.watch === undefined) return
      const heard = Promise.withResolvers<void>()
      const watching = await other.watch(heard.resolve, at)
      await agents.register(at.spec(), at.by)
      await heard.promise
      watching[Symbol.dispose]()
    })
  })
}

interface Trial {
  readonly agents: AgentRegistry
  /** Another client of the same registry. */
  readonly other: AgentRegistry
  readonly signal: AbortSignal
  readonly by: { readonly by: string; readonly reason: string; readonly signal: AbortSignal }
  readonly spec: (more?: Partial<AgentSpec>) => AgentSpec
  readonly advance: (ms: number) => void
}
