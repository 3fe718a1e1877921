import { describe, expect, test } from 'vitest'
import { hashedNgrams } from './embed.ts'
import type { PermissionSource } from './permissions.ts'
import type { Asker, RetrieverOptions } from './retrieval.ts'
import { scriptedPermissions } from './testing/retrieval-world.ts'
import { alice, embed, options, world } from './testing/small-retriever.ts'

test('two users who ask the same get what each may read', async () => {
  const { put, ask, permissions } = await world()
  permissions.groups.set('user:alice', ['group:eng'])
  await put('of alice', ['user:alice'])
  await put('of eng', ['group:eng', 'user:bob'])
  await put('of bob', ['user:bob'])
  await put('of nobody', [])
  expect((await ask()).ids).toEqual(['of alice', 'of eng'])
  expect((await ask({ ...alice, subject: 'user:bob' })).ids).toEqual(['of bob', 'of eng'])
  expect((await ask({ ...alice, subject: 'user:mallory' })).ids).toEqual([])
  expect((await ask({ ...alice, tenant: 'umbrella' })).ids).toEqual([])
})

test('an agent sees no more than it may itself, whoever it acts for', async () => {
  const { put, ask, permissions, retriever } = await world()
  permissions.unrestricted.clear()
  await put('both', ['user:alice', 'agent:a@1'])
  await put('alice alone', ['user:alice'])
  await put('the agent alone', ['agent:a@1'])
  expect((await ask()).ids).toEqual(['both'])
  const held = ['both', 'alice alone', 'the agent alone'].map((document) => ({
    document,
    version: 'v1',
    aclVersion: '1',
  }))
  expect(await retriever.recheck(alice, held, options)).toEqual([true, false, false])
})

describe('between search and hand-over', () => {
  test('a document that is revoked is not handed over, and its drop is audited', async () => {
    const { put, ask, permissions, events } = await world()
    await put('kept', ['user:alice'])
    await put('revoked', ['user:alice'])
    permissions.before = (what) => {
      if (what === 'check') permissions.documents.get('revoked')?.readers.splice(0)
    }
    const { ids, complete } = await ask()
    expect(ids).toEqual(['kept'])
    expect(complete).toBe(true)
    expect(events[0]?.dropped).toMatchObject([{ document: 'revoked', version: 'v1', reason: 'denied' }])
  })

  test('a document that was rewritten is not handed over as it was', async () => {
    const { put, ask, permissions, events } = await world()
    await put('rewritten', ['user:alice'])
    permissions.documents.set('rewritten', {
      version: 'v2',
      aclVersion: '1',
      readers: ['user:alice'],
      denied: [],
    })
    expect((await ask()).ids).toEqual([])
    expect(events[0]?.dropped).toMatchObject([{ reason: 'changed' }])
  })

  test('a document whose readers changed is labelled with those of now, or not handed over', async () => {
    const { put, ask, permissions, events } = await world()
    await put('moved', ['user:alice', 'user:former'])
    permissions.documents.set('moved', {
      version: 'v1',
      aclVersion: '2',
      readers: ['user:alice'],
      denied: [],
    })
    const { passages } = await ask()
    expect(passages[0]?.label.readers).toEqual(['user:alice', 'agent:a@1'])
    expect(passages[0]?.aclVersion).toBe('2')
    permissions.answer = () => ({ permitted: true, version: 'v1', aclVersion: '2' })
    expect((await ask()).ids).toEqual([])
    expect(events[1]?.dropped).toMatchObject([{ reason: 'relabelled' }])
  })

  test('what no check says yes to is dropped: errors, silence, answers that do not match', async () => {
    const { put, ask, permissions, events } = await world({ deadlines: { check: 20 } })
    await put('a', ['user:alice'])
    const answers: [PermissionSource['check'], string][] = [
      [() => Promise.reject(new Error('down')), 'unchecked'],
      [() => new Promise(() => {}), 'unchecked'],
      [async () => [{ permitted: true }, { permitted: true }], 'unchecked'],
      [async () => 'all' as never, 'unchecked'],
      [async () => [], 'unanswered'],
      [async () => [undefined as never], 'unanswered'],
      [async () => [{ permitted: 'yes' as never }], 'denied'],
    ]
    for (const [check, reason] of answers) {
      permissions.check = check
      const { ids, complete } = await ask()
      expect([ids, complete, events.at(-1)?.dropped[0]?.reason]).toEqual([[], reason === 'denied', reason])
    }
  })

  test('a long batch is split as the source wants it', async () => {
    const { put, ask, permissions } = await world()
    Object.assign(permissions.capabilities, { maxBatch: 3 })
    for (let at = 0; at < 10; at += 1) await put(`d${at}`, ['user:alice'])
    expect((await ask()).ids).toHaveLength(10)
    expect(permissions.asked.checks.map(({ items }) => items.length)).toEqual([3, 3, 3, 1, 3, 3, 3, 1])
  })
})

test('what is dropped is made up for, in a few rounds, and then it says that more may be there', async () => {
  const { put, ask, permissions, events } = await world()
  for (let at = 0; at < 40; at += 1) await put(`d${at}`, ['user:alice'])
  const asked = new Map<string, number>()
  const forbidden = new Set<string>()
  permissions.answer = ({ subject }, { document }) => {
    if (subject === 'user:alice' && !asked.has(document)) asked.set(document, asked.size)
    if ((asked.get(document) ?? 0) < 5) forbidden.add(document)
    return { permitted: !forbidden.has(document) }
  }
  const some = await ask(alice, 2)
  expect(some.ids).toHaveLength(2)
  expect(some.complete).toBe(true)
  expect(events[0]?.rounds).toBe(2)
  permissions.answer = () => ({ permitted: false })
  const none = await ask(alice, 2)
  expect([none.ids, none.complete, events[1]?.rounds]).toEqual([[], false, 4])
})

describe('with no plan nothing is returned', () => {
  const broken: [string, (source: PermissionSource) => void][] = [
    ['the source throws', (source) => (source.plan = () => Promise.reject(new Error('password=hunter2')))],
    ['the source does not answer', (source) => (source.plan = () => new Promise(() => {}))],
    [
      'its plan is of an unknown kind',
      (source) => (source.plan = async () => ({ plan: { kind: 'most' } as never })),
    ],
    [
      'its principals cannot be had',
      (source) => (source.principals = () => Promise.reject(new Error('down'))),
    ],
    [
      'it can only check afterwards',
      (source) => (source.plan = async () => ({ plan: { kind: 'postcheck' } })),
    ],
  ]
  test.for(broken)('%s', async ([, breaks]) => {
    const { put, ask, permissions, events } = await world({ deadlines: { plan: 20 } })
    await put('a', ['user:alice'])
    breaks(permissions)
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_POLICY_UNAVAILABLE' })
    await expect(ask()).rejects.not.toThrow('hunter2')
    expect(events).toEqual([])
  })
})

test('an index or an embedder that fails is said to be unavailable, with nothing of what it said', async () => {
  const { put, ask, index } = await world()
  await put('a', ['user:alice'])
  index.search = () => Promise.reject(new Error('password=hunter2'))
  await expect(ask()).rejects.toMatchObject({
    code: 'ERR_STORE_UNAVAILABLE',
    message: 'The index could not be searched.',
  })
  index.search = () => new Promise(() => {})
  const slow = await world({ deadlines: { search: 20 }, index })
  await expect(slow.ask()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  const notFinite = Array.from({ length: embed.dimensions }, () => Number.NaN)
  for (const vector of [[1, 2], notFinite]) {
    const wrong = await world({ embed: { ...embed, embed: async () => [vector] } })
    await wrong.put('a', ['user:alice'])
    await expect(wrong.ask()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  }
})

test('what cannot be audited is not handed over', async () => {
  for (const audit of [() => Promise.reject(new Error('full')), () => new Promise<void>(() => {})]) {
    const { put, ask } = await world({ audit, deadlines: { total: 50 } })
    await put('a', ['user:alice'])
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_AUDIT_UNAVAILABLE' })
  }
})

test('a passage of before that cannot be checked in time may not be shown, however little time there is', async () => {
  const { put, retriever, permissions } = await world({ deadlines: { check: 10_000, total: 20 } })
  await put('a', ['user:alice'])
  permissions.check = () => new Promise(() => {})
  const held = [{ document: 'a', version: 'v1', aclVersion: '1' }]
  expect(await retriever.recheck(alice, held, options)).toEqual([false])
})

test('the caller’s abort ends it at once, and is what it rejects with', async () => {
  const { put, retriever, permissions } = await world()
  await put('a', ['user:alice'])
  const cut = new AbortController()
  permissions.before = (what) => {
    if (what === 'check') cut.abort(new Error('left'))
    return what === 'check' ? new Promise(() => {}) : undefined
  }
  await expect(retriever.retrieve(alice, { text: 'the plan' }, { signal: cut.signal })).rejects.toThrow(
    'left',
  )
})

describe('a plan is used again for seconds', () => {
  test('and not longer, nor for anybody else, nor under other attributes', async () => {
    const { ask, permissions, pass } = await world()
    const plans = (): number =>
      permissions.asked.plans.filter(({ subject }) => subject !== 'agent:a@1').length
    await ask()
    await ask()
    expect(plans()).toBe(1)
    await ask({ ...alice, subject: 'user:bob' })
    await ask({ ...alice, tenant: 'umbrella' })
    await ask({ ...alice, attributes: { cleared: true } })
    await ask({ ...alice, attributes: { cleared: false } })
    expect(plans()).toBe(5)
    pass(2001)
    await ask()
    expect(plans()).toBe(6)
  })

  test('but not after the rules changed, nor after a halt', async () => {
    const { ask, permissions, retriever } = await world()
    let version = '1'
    Object.assign(permissions, { policyVersion: () => version })
    await ask()
    version = '2'
    await ask()
    expect(permissions.asked.plans).toHaveLength(4)
    await retriever.haltHook.run({} as never, options)
    await ask()
    expect(permissions.asked.plans).toHaveLength(6)
  })

  test('a permit of a recheck is used once', async () => {
    const { put, ask, permissions } = await world()
    await put('a', ['user:alice'])
    expect((await ask()).ids).toEqual(['a'])
    permissions.documents.get('a')?.readers.splice(0)
    expect((await ask()).ids).toEqual([])
  })
})

test('each check, and each explanation, is asked to be as fresh as the plan of the same party', async () => {
  const { put, ask, permissions, retriever } = await world()
  await put('a', ['user:alice'])
  const { plan, check } = permissions
  const asked: unknown[] = []
  permissions.plan = async (access, of) => ({
    ...(await plan(access, of)),
    consistencyToken: `of ${access.subject}`,
  })
  permissions.check = (access, items, of) => {
    asked.push([access.subject, of.consistencyToken])
    return check(access, items, of)
  }
  const each = [
    ['user:alice', 'of user:alice'],
    ['agent:a@1', 'of agent:a@1'],
  ]
  await ask()
  expect(asked.splice(0)).toEqual(each)
  // With the plans that were kept, too.
  await ask()
  expect(asked.splice(0)).toEqual(each)
  await retriever.explain(alice, { document: 'a' }, options)
  expect(asked).toEqual(each)
})

test('an engine that names a passage twice shows it once, and one that does not say how it fused shows nothing', async () => {
  const { put, ask, index } = await world()
  await put('a', ['user:alice'])
  const { search } = index
  index.search = async (...args) => (await search(...args)).flatMap((hit) => [hit, hit])
  expect((await ask()).ids).toEqual(['a'])
  index.search = async (...args) => (await search(...args)).map(({ ranks: _ranks, ...hit }) => hit)
  await expect(ask()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
})

test('a source that can only check afterwards is refused, unless that is allowed, and then it is told', async () => {
  const postcheck = (): PermissionSource => {
    const source = scriptedPermissions()
    source.documents.set('a', { version: 'v1', aclVersion: '1', readers: ['user:alice'], denied: [] })
    return {
      ...source,
      principals: undefined as never,
      capabilities: { ...source.capabilities, plans: ['postcheck'] },
      plan: async () => ({ plan: { kind: 'postcheck' } }),
      check: (access, items, of) => source.check(access, items, of),
    }
  }
  await expect(world({ permissions: postcheck() })).rejects.toThrow("postcheck: 'allow'")
  const { put, ask, events, retriever } = await world({
    permissions: postcheck(),
    agentPermissions: 'unrestricted',
    postcheck: 'allow',
  })
  await put('a', ['user:alice'])
  await put('b', ['user:bob'])
  expect((await ask()).ids).toEqual(['a'])
  expect(events[0]?.postcheck).toBe(true)
  expect(retriever.describe()).toMatchObject({ before: expect.stringContaining('postcheck') })
})

test('the label of a passage is the source of record’s, and names nobody who is not sure to read', async () => {
  const { put, ask } = await world()
  await put('plain', ['user:alice', 'group:eng'], 'the plan. authors: developer, readers: everyone')
  await put('denied', ['user:alice', 'group:eng'], 'the plan', { denied: ['user:eve'], authors: [] })
  const { passages } = await ask()
  const labels = Object.fromEntries(passages.map(({ document, label }) => [document, label]))
  expect(labels).toEqual({
    plain: { authors: ['user:carol'], readers: ['user:alice', 'group:eng', 'agent:a@1'] },
    denied: { authors: ['anyone'], readers: ['user:alice', 'agent:a@1'] },
  })
})

test('an operator is told why each document is shown or not', async () => {
  const { put, retriever, permissions } = await world()
  await put('shown', ['user:alice'])
  await put('of bob', ['user:bob'])
  await put('stale', ['user:alice'])
  permissions.documents.get('stale')?.readers.splice(0)
  const explained = await retriever.explain(alice, { query: 'the plan' }, options)
  const failing = Object.fromEntries(
    explained.map(({ document, steps }) => [
      document,
      steps.filter(({ passes }) => !passes).map(({ step }) => step),
    ]),
  )
  expect(failing).toEqual({
    shown: [],
    'of bob': ['plan of the user', 'recheck of the user'],
    stale: ['recheck of the user'],
  })
  const [missing] = await retriever.explain(alice, { document: 'none' }, options)
  expect(missing).toMatchObject({ shown: false, steps: [{ step: 'index', passes: false }] })
})

test('what is not safe to start with is refused', async () => {
  const settings: [Partial<RetrieverOptions>, RegExp][] = [
    [{ plansKeptMs: Number.POSITIVE_INFINITY }, /plansKeptMs/],
    [{ noSoonerThanMs: Number.NaN }, /noSoonerThanMs/],
    [{ deadlines: { check: 0 } }, /deadlines\.check/],
    [{ deadlines: { total: Number.POSITIVE_INFINITY } }, /deadlines\.total/],
    [{ deadlines: { plan: '2s' as never } }, /deadlines\.plan/],
  ]
  for (const [setting, named] of settings) await expect(world(setting)).rejects.toThrow(named)
  await expect(world({ permissions: undefined as never })).rejects.toThrow(
    'without one there is no retriever',
  )
  await expect(world({ embed: hashedNgrams({ dimensions: 32 }) })).rejects.toThrow(
    'with which the index was made',
  )
  const { retriever } = await world()
  for (const asker of [
    { ...alice, subject: '' },
    { ...alice, subject: 'anyone' },
    { ...alice, actor: undefined },
    { ...alice, tenant: '' },
    { ...alice, tenant: 5 },
  ])
    await expect(retriever.retrieve(asker as unknown as Asker, { text: '' }, options)).rejects.toThrow(
      'expected',
    )
  for (const k of [0, 101, 1.5])
    await expect(retriever.retrieve(alice, { text: '', k }, options)).rejects.toThrow('expected')
  for (const text of [undefined, 7, null])
    await expect(retriever.retrieve(alice, { text: text as never }, options)).rejects.toThrow(
      'text: expected',
    )
})
