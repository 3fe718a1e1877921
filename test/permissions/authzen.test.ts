import {
  type AuthzenOptions,
  authzenPermissions,
  type AuthzenResource,
} from '@gatewright/adapters/permissions/authzen'
import type { Access } from '@gatewright/retriever'
import { describePermissions, type PermissionWorld } from '@gatewright/retriever/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { startCerbos } from './cerbos-server.ts'
import { cuttable, type Records, records } from './worlds.ts'

const rule = (effect: string, expr: string): object => ({
  actions: ['read'],
  effect: `EFFECT_${effect}`,
  roles: ['user'],
  condition: { match: { expr } },
})
const rules = [
  rule('ALLOW', 'hasIntersection(R.attr.readers, P.attr.principals)'),
  rule('DENY', 'hasIntersection(P.attr.principals, R.attr.denied)'),
]
const resourcePolicy = { version: 'default', resource: 'page', rules }
const server = await startCerbos({
  'page.json': JSON.stringify({ apiVersion: 'api.cerbos.dev/v1', resourcePolicy }),
})
const live = { signal: new AbortController().signal }
const alice: Access = { subject: 'user:alice', tenant: 'acme', action: 'read', type: 'page' }
const item = { document: 'd', version: '1', aclVersion: undefined }

const subjectOf =
  (known: Records): AuthzenOptions['subject'] =>
  async ({ tenant, subject }) => {
    const principals = known.principals(tenant, subject)
    return principals.length === 0 ? undefined : { type: 'user', id: subject, properties: { principals } }
  }

describe.skipIf(server === undefined)('AuthZEN, as Cerbos speaks it', () => {
  const url = server?.url ?? ''
  afterAll(async () => server?.[Symbol.asyncDispose]())

  const open = (worlds: readonly PermissionWorld[]) => {
    const known = records(worlds)
    const line = cuttable()
    const source = authzenPermissions({
      url,
      fetch: line.fetch,
      subject: subjectOf(known),
      resources: async (ids, { tenant, type }) =>
        ids.map((id): AuthzenResource | undefined => {
          const found = known.document(tenant, type, id)
          return (
            found && { properties: { readers: found.readers, denied: found.denied }, version: found.version }
          )
        }),
    })
    return { source, change: known.change, cut: line.cut }
  }
  describePermissions('permissions by evaluations', { open, worlds: 20 }, { describe, test })

  test('before a search it can say nothing, and says so', async () => {
    const { source } = open([{ ...world, users: ['user:alice'] }])
    expect(source.capabilities.plans).toEqual(['none', 'postcheck'])
    expect(await source.plan(alice, live)).toEqual({ plan: { kind: 'postcheck' } })
  })
})

const world: PermissionWorld = { tenant: 'acme', type: 'page', users: [], members: [], documents: [] }

/**
 * A decision point that knows its own documents and has resource search, which no server at hand has: strict about what
 * the specification requires of a request, with pages of two.
 */
function decisionPoint(known: Records): typeof fetch {
  interface Body {
    readonly subject: {
      readonly type: string
      readonly id: string
      readonly properties: { principals: string[] }
    }
    readonly action: { readonly name: string }
    readonly resource: { readonly type: string; readonly id?: string }
    readonly context: { readonly tenant: string }
    readonly evaluations?: readonly { readonly resource: { readonly type: string; readonly id: string } }[]
    readonly options?: { readonly evaluations_semantic: string }
    readonly page?: { readonly token: string }
  }
  const permitted = (body: Body, type: string): string[] =>
    known
      .documents(body.context.tenant, type)
      .filter(
        ({ readers, denied }) =>
          body.action.name === 'read' &&
          readers.some((one) => body.subject.properties.principals.includes(one)) &&
          !denied.some((one) => body.subject.properties.principals.includes(one)),
      )
      .map(({ id }) => `${encodeURIComponent(body.context.tenant)}/${encodeURIComponent(id)}`)

  return async (to, init) => {
    init?.signal?.throwIfAborted()
    const body = JSON.parse(String(init?.body)) as Body
    const is =
      new Headers(init?.headers).get('content-type') === 'application/json' && init?.method === 'POST'
    if (!is || !body.subject.type || !body.subject.id || !body.action.name)
      return Response.json({ error: 'bad request' }, { status: 400 })
    switch (new URL(String(to)).pathname) {
      case '/pdp/access/v1/evaluations': {
        if (body.options?.evaluations_semantic !== 'execute_all') return new Response(null, { status: 400 })
        const evaluations = body.evaluations?.map(({ resource: { type, id } }) => ({
          decision: permitted(body, type).includes(id),
        }))
        return Response.json({ evaluations })
      }
      case '/pdp/access/v1/search/resource': {
        if (body.resource.id !== undefined) return new Response(null, { status: 400 })
        const all = permitted(body, body.resource.type)
        const at = Number(body.page?.token ?? 0)
        const results = all.slice(at, at + 2).map((id) => ({ type: body.resource.type, id }))
        const next = at + 2 < all.length ? `${at + 2}` : ''
        return Response.json({ results, page: { next_token: next } })
      }
      default:
        return new Response(null, { status: 404 })
    }
  }
}

describe('AuthZEN with resource search', () => {
  const open = (worlds: readonly PermissionWorld[]) => {
    const known = records(worlds)
    const line = cuttable(decisionPoint(known))
    const source = authzenPermissions({
      url: 'https://pdp.example/pdp/',
      fetch: line.fetch,
      subject: subjectOf(known),
      search: true,
    })
    return { source, change: known.change, cut: line.cut }
  }
  describePermissions('permissions by resource search', { open }, { describe, test })

  const three: PermissionWorld = {
    ...world,
    users: ['user:alice'],
    documents: ['a', 'b', 'c'].map((id) => ({ id, version: '1', readers: ['user:alice'], denied: [] })),
  }

  test('ids of more than one page are not taken to be all, and those of one page are', async () => {
    const { source, change } = open([three])
    expect(await source.plan(alice, live)).toEqual({
      plan: { kind: 'ids', ids: ['a', 'b', 'c'], complete: false },
    })
    change([{ ...three, documents: three.documents.slice(0, 2) }])
    expect(await source.plan(alice, live)).toEqual({ plan: { kind: 'ids', ids: ['a', 'b'], complete: true } })
  })

  test('more ids than a plan may hold are cut, and said to be', async () => {
    const known = records([three])
    const source = authzenPermissions({
      url: 'https://pdp.example/pdp',
      fetch: decisionPoint(known),
      subject: subjectOf(known),
      search: true,
      maxIds: 2,
    })
    expect(await source.plan(alice, live)).toEqual({
      plan: { kind: 'ids', ids: ['a', 'b'], complete: false },
    })
  })
})

describe('what is not the protocol', () => {
  const answering = (body: unknown, status = 200) =>
    authzenPermissions({
      url: 'https://pdp.example',
      headers: async () => ({ authorization: 'Bearer s3cret' }),
      fetch: async () =>
        typeof body === 'string' ? new Response(body, { status }) : Response.json(body, { status }),
      subject: async ({ subject }) => ({ type: 'user', id: subject }),
      search: true,
      maxAnswerBytes: 1000,
    })

  test.for<[string, unknown, number?]>([
    ['an error', { evaluations: [{ decision: true }] }, 500],
    ['a redirect', '', 302],
    ['no JSON', '<html>'],
    ['no object', 'null'],
    ['too few answers', { evaluations: [] }],
    ['too many answers', { evaluations: [{ decision: true }, { decision: true }] }],
    ['an answer that is too long', { evaluations: [{ decision: true, context: 'x'.repeat(1000) }] }],
  ])('%s is a failure, and permits nothing', async ([, body, status]) => {
    const source = answering(body, status)
    const failure = { code: 'ERR_POLICY_UNAVAILABLE' }
    await expect(source.check(alice, [item], live)).rejects.toMatchObject(failure)
    await expect(source.plan(alice, live)).rejects.toMatchObject(failure)
  })

  test.for([{ decision: 'true' }, { decision: 1 }, {}, null, true, { Decision: true }])(
    '%j is no permit',
    async (one) => {
      const [answer] = await answering({ evaluations: [one] }).check(alice, [item], live)
      expect(answer?.permitted).toBe(false)
    },
  )

  test('an error names the service and the path, and nothing of the request or the answer', async () => {
    const failed = await answering('the token s3cret of user:alice is bad', 401)
      .check(alice, [item], live)
      .catch((error: unknown) => error as Error)
    expect(failed).toMatchObject({ message: 'authzen: /access/v1/evaluations answered with status 401.' })
    expect(JSON.stringify(failed)).not.toContain('s3cret')
  })

  test('a server that never answers is given up on', async () => {
    const source = authzenPermissions({
      url: 'https://pdp.example',
      timeoutMs: 20,
      fetch: async (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason))
        }),
      subject: async ({ subject }) => ({ type: 'user', id: subject }),
    })
    await expect(source.check(alice, [item], live)).rejects.toMatchObject({ code: 'ERR_POLICY_UNAVAILABLE' })
  })

  test('an address with credentials, or of another scheme, is refused', () => {
    const subject = async () => undefined
    for (const url of ['https://me:s3cret@pdp.example', 'ftp://pdp.example', 'pdp.example', ''])
      expect(() => authzenPermissions({ url, subject })).toThrow(/^url: expected/)
    expect(() => authzenPermissions({ url: 'https://me:s3cret@pdp.example', subject })).not.toThrow(/s3cret/)
  })
})
