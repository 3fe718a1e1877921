import { type OpenFgaOptions, openFgaPermissions } from '@gatewright/adapters/permissions/openfga'
import type { Access } from '@gatewright/retriever'
import { describePermissions, type PermissionWorld } from '@gatewright/retriever/testing'
import { describe, expect, test } from 'vitest'
import { cuttable, type Records, records } from './worlds.ts'

const live = { signal: new AbortController().signal }
const alice: Access = { subject: 'user:alice', tenant: 'acme', action: 'read', type: 'page' }
const item = { document: 'd', version: '1', aclVersion: undefined }
const at = { url: 'https://fga.example', store: '01STORE', relations: { read: 'reader' } }

/** Errors as the published protocol (1.8) has them for a request that breaks its rules. */
const refused = (message: string): Response =>
  Response.json({ code: 'validation_error', message }, { status: 400 })

/**
 * A stand-in for OpenFGA, which no registry at hand has: it answers `list-objects` and `batch-check` from the tuples
 * that some worlds come to, and refuses what the published protocol refuses.
 */
function openFga(known: Records, { listLimit = 1000, errors = false } = {}): typeof fetch {
  const unescaped = (name: string): string => decodeURIComponent(name)
  const mayRead = (user: string, relation: string, object: string): boolean => {
    const [, type = '', tenant = '', id = ''] = /^([^:]+):([^/]+)\/(.+)$/.exec(object) ?? []
    const found = known.document(unescaped(tenant), type, unescaped(id))
    const are = known.principals(unescaped(tenant), unescaped(user))
    if (found === undefined || relation !== 'reader') return false
    return found.readers.some((one) => are.includes(one)) && !found.denied.some((one) => are.includes(one))
  }
  const tenants = ['acme', 'umbra', "o'neill %_"]

  return async (to, init) => {
    init?.signal?.throwIfAborted()
    const body = JSON.parse(String(init?.body)) as {
      type: string
      relation: string
      user: string
      consistency: string
      checks: { tuple_key: Record<'user' | 'relation' | 'object', string>; correlation_id: string }[]
    }
    if (!['MINIMIZE_LATENCY', 'HIGHER_CONSISTENCY'].includes(body.consistency)) return refused('consistency')
    switch (new URL(String(to)).pathname) {
      case '/stores/01STORE/list-objects': {
        if (!/^[^:#\s]{1,254}$/.test(body.type)) return refused('type')
        if (!isName(body.user, 512)) return refused('user')
        const objects = tenants.flatMap((tenant) =>
          known
            .documents(tenant, body.type)
            .map(({ id }) => `${body.type}:${escaped(tenant)}/${escaped(id)}`)
            .filter((object) => mayRead(body.user, body.relation, object)),
        )
        // As the server does it: what is over the limit is left out, and nothing says so.
        return Response.json({ objects: objects.slice(0, listLimit) })
      }
      case '/stores/01STORE/batch-check': {
        const ids = body.checks.map(({ correlation_id }) => correlation_id)
        if (ids.length === 0 || ids.length > 50) return refused('checks: between 1 and 50')
        if (new Set(ids).size !== ids.length || !ids.every((id) => /^[\w\d-]{1,36}$/.test(id)))
          return refused('correlation_id')
        for (const { tuple_key: key } of body.checks)
          if (!isName(key.user, 512) || !isName(key.object, 256)) return refused('tuple_key')
        const answers = body.checks.map(({ correlation_id, tuple_key: { user, relation, object } }) => [
          correlation_id,
          errors
            ? { allowed: true, error: { internal_error: 'deadline_exceeded', message: 's3cret' } }
            : { allowed: mayRead(user, relation, object) },
        ])
        // The order of a map says nothing.
        return Response.json({ result: Object.fromEntries(answers.toReversed()) })
      }
      default:
        return Response.json({ code: 'undefined_endpoint' }, { status: 404 })
    }
  }
}

function isName(name: string, most: number): boolean {
  return /^[^:#\s]+:[^:#\s]+$/.test(name) && !name.includes('*') && Buffer.byteLength(name) <= most
}

function escaped(name: string): string {
  return name.replaceAll(/[\s:#*%/]/g, (one) => (one === '*' ? '%2A' : encodeURIComponent(one)))
}

const open = (worlds: readonly PermissionWorld[]) => {
  const known = records(worlds)
  const line = cuttable(openFga(known))
  const source = openFgaPermissions({
    ...at,
    fetch: line.fetch,
    documents: async (ids, { tenant, type }) => ids.map((id) => known.document(tenant, type, id)),
  })
  return { source, change: known.change, cut: line.cut }
}

describePermissions('permissions by OpenFGA', { open }, { describe, test })

describe('OpenFGA', () => {
  const three: PermissionWorld = {
    tenant: 'acme',
    type: 'page',
    users: ['user:alice'],
    members: [],
    documents: ['d', 'e', 'f'].map((id) => ({ id, version: '1', readers: ['user:alice'], denied: [] })),
  }
  const over = (own: Partial<OpenFgaOptions>, server: Parameters<typeof openFga>[1] = {}) =>
    openFgaPermissions({ ...at, fetch: openFga(records([three]), server), ...own })

  test('a list that is as long as the limit is not taken to be all', async () => {
    const short = { plan: { kind: 'ids', ids: ['d', 'e'], complete: false } }
    expect(await over({ listLimit: 2 }, { listLimit: 2 }).plan(alice, live)).toEqual(short)
    expect(await over({ listLimit: 4 }).plan(alice, live)).toMatchObject({ plan: { complete: true } })
  })

  test('an empty list that took as long as the deadline does not mean that there is nothing', async () => {
    let clock = 0
    const slow: typeof fetch = async () => {
      clock += 2500
      return Response.json({ objects: [] })
    }
    const source = over({ fetch: slow, elapsed: () => clock })
    expect(await source.plan(alice, live)).toEqual({ plan: { kind: 'ids', ids: [], complete: false } })
  })

  test('a check that came back with an error is a no, whatever else it says', async () => {
    const [answer] = await over({}, { errors: true }).check(alice, [item], live)
    expect(answer).toEqual({ permitted: false, why: 'the check failed' })
  })

  test('an answer that is missing is a no, and one that is no answer is a failure', async () => {
    const answering = (body: object) => over({ fetch: async () => Response.json(body) })
    const [answer] = await answering({ result: { 7: { allowed: true } } }).check(alice, [item], live)
    expect(answer?.permitted).toBe(false)
    const failure = { code: 'ERR_POLICY_UNAVAILABLE' }
    await expect(answering({ results: [] }).check(alice, [item], live)).rejects.toMatchObject(failure)
    await expect(answering({ objects: [{ id: 'd' }] }).plan(alice, live)).rejects.toMatchObject(failure)
  })

  test('objects of another tenant or type are no documents of this one', async () => {
    const objects = [
      'page:umbra/x',
      'page:acme%2Fumbra/x',
      'page:acme/a/b',
      'page:acme/',
      'note:acme/x',
      'page:acme/%',
    ]
    const source = over({ fetch: async () => Response.json({ objects: [...objects, 'page:acme/mine'] }) })
    expect(await source.plan(alice, live)).toMatchObject({ plan: { ids: ['mine'] } })
  })

  test('every check asks past the caches of the server, of the model that was named', async () => {
    const asked: unknown[] = []
    const inner = openFga(records([three]))
    const source = over({
      model: '01MODEL',
      context: () => ({ hour: 12 }),
      fetch: async (to, init) => {
        asked.push(JSON.parse(String(init.body)))
        return inner(to, init)
      },
    })
    await source.plan(alice, live)
    await source.check(alice, [item], live)
    const common = { authorization_model_id: '01MODEL', consistency: 'HIGHER_CONSISTENCY' }
    expect(asked).toMatchObject([
      { ...common, context: { hour: 12 } },
      { ...common, checks: [{ context: { hour: 12 } }] },
    ])
  })

  test('a name that the protocol cannot carry sees nothing and is not sent', async () => {
    const source = over({ fetch: async () => Promise.reject(new Error('Nothing may be sent.')) })
    for (const subject of ['', 'alice', ':alice', 'user:', 'a b:c', `user:${'x'.repeat(600)}`, 'user:\uD800'])
      expect(await source.plan({ ...alice, subject: subject as 'user:x' }, live)).toEqual({
        plan: { kind: 'none' },
      })
    for (const document of ['', '\uD800', 'x'.repeat(300)])
      expect(await source.check(alice, [{ ...item, document }], live)).toMatchObject([{ permitted: false }])
  })
})
