import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { privateKeyJwt, tokenExchange } from '@gatewright/adapters/identity/token-exchange'
import { ORDERS_API } from '@gatewright/example-authorization-server'
import {
  createCredentials,
  type CredentialRequest,
  type Credentials,
  Secret,
} from '@gatewright/runtime/credentials'
import { createGuard } from '@gatewright/runtime'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { type CryptoKey, importJWK } from 'jose'
import { allowInsecureRequests, type Configuration, discovery, genericGrantRequest } from 'openid-client'
import { type Benchmark, type Case, caseOf } from './case.ts'
import type { Opened } from './credentials-server.ts'
import { measure, type Subject } from './measure.ts'

const CACHED_TARGET_US = 5
const EXCHANGE_TARGET = 1.3
const BATCH = 500
const AT_ONCE = 1000
const CACHED = { rounds: 12, samples: 100, warmUp: 3 }
// Short rounds: a slow moment of the machine falls on both alike.
const EXCHANGE = { rounds: 60, samples: 8, warmUp: 6 }

const never = new AbortController().signal

/** A token from the cache, one by exchange beside the bare library call, and a thousand calls that want the same one. */
export const credentials: Benchmark = {
  name: 'credentials',
  about: 'the token of a call: cached, by exchange, and for a thousand calls at once',
  async run(): Promise<readonly Case[]> {
    const server = fork(join(import.meta.dirname, 'credentials-server.ts'), {
      execArgv: ['--conditions=@gatewright/source', '--no-warnings'],
    })
    try {
      const [opened] = (await once(server, 'message')) as [Opened]
      return await measured(opened)
    } finally {
      server.disconnect()
    }
  },
}

async function measured({ issuer, client, key: jwk, subjectToken }: Opened): Promise<readonly Case[]> {
  const key = (await importJWK(jwk, 'ES256')) as CryptoKey
  const authentication = privateKeyJwt(key, { kid: client })
  let requests = 0
  const open = (): Credentials => {
    const counting: typeof fetch = async (url, init) => {
      if (String(url).endsWith('/token')) requests += 1
      return await fetch(url, init)
    }
    const options = { issuer, client, authentication, dangerouslyAllowLoopback: true, fetch: counting }
    return createCredentials({ issuers: { [ORDERS_API]: tokenExchange(options) } })
  }
  const broker = open()
  await using guard = createGuard({
    agent: { id: 'support', version: '1.0.0', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    credentials: broker,
  })
  // One halt, of somebody else, so that there is something to look up.
  await guard.halt({ user: 'user:mallory' }, { by: 'user:robin', reason: 'a benchmark' })
  const bare = await discovery(new URL(issuer), client, {}, authentication, {
    execute: [allowInsecureRequests],
  })
  const request = requestWith(new Secret(subjectToken))
  await broker.issue(request('run'), { signal: never })

  const cached: Subject = {
    name: 'cached',
    round: () => ({
      sample() {
        for (let i = 0; i < BATCH; i += 1) broker.issue(request('run'), { signal: never })
      },
    }),
  }
  const [ours, theirs] = exchanges(broker, bare, request, subjectToken)
  const cachedTimes = (await measure([cached], CACHED)).get(cached.name)
  const times = await measure([ours, theirs], EXCHANGE)
  const [own, other] = [times.get(ours.name), times.get(theirs.name)]

  // Nothing is known of the server yet, so that its metadata have to be looked up in between as well.
  const fresh = open()
  requests = 0
  const all = await Promise.all(
    Array.from({ length: AT_ONCE }, async () => fresh.issue(request('run'), { signal: never })),
  )
  if (new Set(all).size !== 1) throw new Error('The calls of one run got several tokens.')

  return [
    caseOf({
      name: 'a token from the cache',
      unit: 'µs',
      p50: ((cachedTimes?.p50 ?? Number.NaN) * 1000) / BATCH,
      p99: ((cachedTimes?.p99 ?? Number.NaN) * 1000) / BATCH,
      target: CACHED_TARGET_US,
      measures: 'the whole key compared, halts looked up, and a token that still lives handed out',
    }),
    caseOf({
      name: 'a token by exchange',
      unit: 'ms',
      p50: own?.p50 ?? Number.NaN,
      p99: own?.p99 ?? Number.NaN,
      baseline: other?.p50 ?? Number.NaN,
      target: EXCHANGE_TARGET,
      measures:
        'RFC 8693 with private_key_jwt at an authorization server in another process: asked, checked and kept, against the same request by openid-client alone',
    }),
    caseOf({
      name: 'exchanges for a thousand calls at once',
      unit: 'times',
      p50: requests,
      target: 1,
      measures: 'requests to the token endpoint that a thousand calls of one run make, with nothing cached',
    }),
  ]
}

function requestWith(subjectToken: Secret): (run: string) => CredentialRequest {
  return (run) => ({
    audience: ORDERS_API,
    scopes: ['orders:read'],
    subject: 'user:alice',
    subjectToken,
    actor: 'agent:support@1.0.0',
    delegation: [],
    tenant: 'acme',
    run,
    session: 'session-1',
    tool: 'lookUpOrder',
  })
}

function exchanges(
  broker: Credentials,
  bare: Configuration,
  request: (run: string) => CredentialRequest,
  subjectToken: string,
): [ours: Subject, theirs: Subject] {
  let runs = 0
  const form = {
    subject_token: subjectToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: ORDERS_API,
    scope: 'orders:read',
  }
  const ours: Subject = {
    name: 'ours',
    round: () => ({
      sample() {
        // A run of its own, so that nothing is cached for it.
        runs += 1
        return broker.issue(request(`run-${runs}`), { signal: never })
      },
    }),
  }
  const theirs: Subject = {
    name: 'openid-client',
    round: () => ({
      sample: () => genericGrantRequest(bare, 'urn:ietf:params:oauth:grant-type:token-exchange', form),
    }),
  }
  return [ours, theirs]
}
