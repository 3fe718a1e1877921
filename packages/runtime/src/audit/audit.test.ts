import { describe, expect, test } from 'vitest'
import { label } from '../label/label.ts'
import { createAudit } from './audit.ts'
import type { AuditEvent, DecisionFact } from './event.ts'
import { memoryAudit } from './memory.ts'
import { redaction, type RedactionOptions } from './redact.ts'

const { signal } = new AbortController()
const now = (): Date => new Date('2026-01-01T00:00:00Z')
const BODY = 'My card is 4111 1111 1111 1111 and my daughter is called Ada.'
const JWT = 'eyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'

const DECISION: DecisionFact = {
  type: 'decision',
  outcome: 'deny',
  code: 'ERR_DENIED',
  call: 'call-1',
  tool: 'sendEmail',
  turn: 1,
  effect: 'irreversible',
  risk: 'high',
  action: 'sendEmail',
  resource: { type: 'tool', id: 'sendEmail' },
  input: { to: ['bob@shop.example', 'eve@evil.example'], subject: 'Hello', body: BODY, urgent: true },
  cause: label(['anyone']),
  causeChunks: [4],
  arguments: [
    { path: 'to.0', standing: 'quoted', authors: ['user:alice'], chunks: [1] },
    { path: 'to.1', standing: 'unattested', authors: ['anyone'], chunks: [4] },
  ],
  reasons: [
    {
      step: 'flow',
      rule: 'unattested-argument',
      outcome: 'ask',
      text: 'to.1 came from a page',
      path: 'to.1',
    },
  ],
  obligations: [],
}

function recorded(fact: Partial<DecisionFact>, options?: RedactionOptions): DecisionFact & AuditEvent {
  const sink = memoryAudit()
  void createAudit({ sink, now, redact: redaction(options) }).record({ ...DECISION, ...fact }, { signal })
  return sink.events()[0] as DecisionFact & AuditEvent
}

function broken(): never {
  throw new Error('bug')
}

const hmacOf = (event: DecisionFact): unknown => (event.input as { body: { hmac?: string } }).body.hmac

describe('an audit event', () => {
  test('says who, when, in which run and in what order', () => {
    const sink = memoryAudit()
    const audit = createAudit({ sink, now, context: { agent: 'agent:support@1' } })
    const run = audit.within({
      run: 'run-1',
      subject: 'user:alice',
      tenant: 'acme',
      delegation: ['agent:planner@2'],
    })
    void run.record({ type: 'turn', turn: 1 }, { signal })
    void audit.within({ run: 'run-2' }).record({ type: 'turn', turn: 1 }, { signal })
    expect(sink.events()).toEqual([
      {
        agent: 'agent:support@1',
        run: 'run-1',
        subject: 'user:alice',
        tenant: 'acme',
        delegation: ['agent:planner@2'],
        time: '2026-01-01T00:00:00.000Z',
        sequence: 1,
        type: 'turn',
        turn: 1,
      },
      {
        agent: 'agent:support@1',
        run: 'run-2',
        time: '2026-01-01T00:00:00.000Z',
        sequence: 2,
        type: 'turn',
        turn: 1,
      },
    ])
  })

  test('is written with what happened first, then whose it is in the order given, then its time and position', () => {
    const sink = memoryAudit()
    const audit = createAudit({ sink, now, context: { tenant: 'acme', agent: 'agent:support@1' } })
    const run = audit.within({ run: 'run-1', session: undefined, tenant: 'shop' })
    void run.record({ type: 'turn', turn: 1 }, { signal })
    const [event] = sink.events()
    const context = '"tenant":"shop","agent":"agent:support@1","run":"run-1"'
    expect(JSON.stringify(event)).toBe(
      `{"type":"turn","turn":1,${context},"time":"2026-01-01T00:00:00.000Z","sequence":1}`,
    )
  })

  test('has the time of its own moment, also where the clock stands still or goes back', () => {
    const sink = memoryAudit()
    const moments = [1, 1, 2, 1].map((ms) => `2026-01-01T00:00:00.00${ms}Z`)
    const clock = moments.values()
    const audit = createAudit({ sink, now: () => new Date(clock.next().value as string) })
    for (let turn = 1; turn <= moments.length; turn += 1)
      void audit.record({ type: 'turn', turn }, { signal })
    expect(sink.events().map(({ time }) => time)).toEqual(moments)
  })

  test('of no time is not written', () => {
    const sink = memoryAudit()
    const audit = createAudit({ sink, now: () => new Date(Number.NaN) })
    expect(() => audit.record(DECISION, { signal })).toThrow(/could not be written/)
    expect(sink.events()).toEqual([])
  })

  test('that cannot be kept is an error that denies the call, whether the sink throws or rejects', async () => {
    const full = new Error('disk full')
    const throwing = (): never => {
      throw full
    }
    for (const write of [throwing, () => Promise.reject(full)]) {
      const audit = createAudit({ sink: { write, flush: write }, now })
      const failure = { code: 'ERR_AUDIT_UNAVAILABLE', cause: full }
      await expect((async () => audit.record(DECISION, { signal }))()).rejects.toMatchObject(failure)
      await expect(audit.flush()).rejects.toMatchObject(failure)
    }
  })

  test('that cannot be redacted is not written', () => {
    const sink = memoryAudit()
    const audit = createAudit({ sink, now, redact: redaction({ also: broken }) })
    expect(() => audit.record(DECISION, { signal })).toThrow(/could not be written/)
    expect(sink.events()).toEqual([])
  })

  test('of a call cannot pass for another by what the fact says of its time and place', () => {
    const sink = memoryAudit()
    const audit = createAudit({ sink, now, context: { run: 'run-1' } })
    const forged = { ...DECISION, run: 'run-2', sequence: 99, time: '1970-01-01T00:00:00.000Z' }
    void audit.record(forged, { signal })
    expect(sink.events()[0]).toMatchObject({ run: 'run-1', sequence: 1, time: now().toISOString() })
  })
})

describe('what an audit keeps of a call', () => {
  test('is its control values and only the length of its content', () => {
    expect(recorded({}).input).toEqual({
      to: ['bob@shop.example', 'eve@evil.example'],
      subject: { redacted: 'content', length: 5 },
      body: { redacted: 'content', length: BODY.length },
      urgent: true,
    })
  })

  test('is only lengths where control values are to be kept out too', () => {
    const event = recorded({}, { control: 'redact' })
    expect(JSON.stringify(event)).not.toMatch(/evil\.example|shop\.example|Ada/)
    expect(event.input).toMatchObject({
      to: [{ redacted: 'personal', length: 16 }, { redacted: 'personal' }],
    })
  })

  test.each<[string, string, string]>([
    ['a token', 'value', JWT],
    ['a private key', 'value', '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----'],
    ['an API key', 'value', 'sk-proj-abcdefghijklmnopqrstuvwx'],
    ['an access key', 'value', 'AKIAIOSFODNN7EXAMPLE'],
    ['an HTTP credential', 'value', 'Bearer abcdefghijklmnop'],
    ['an HTTP credential in capitals', 'value', 'Authorization BEARER abcdefghijklmnop'],
    ['a GitHub token', 'value', `ghp_${'a1'.repeat(18)}`],
    ['a fine-grained GitHub token', 'value', `github_pat_${'a1'.repeat(18)}`],
    ['a GitLab token', 'value', `glpat-${'a1'.repeat(10)}`],
    ['a Slack token', 'value', `xoxb-${'12'.repeat(10)}`],
    ['a Google key', 'value', `AIza${'a1'.repeat(18)}`],
    ['an npm token', 'value', `npm_${'a1'.repeat(18)}`],
    ['a password in words', 'value', 'my Password = hunter22'],
    ['a URL with a password', 'value', 'https://bob:hunter2@shop.example/'],
    ['a card number', 'value', '4111-1111-1111-1111'],
    ['what is named a password', 'password', 'hunter2'],
    ['what is named an API key', 'apiKey', 'short'],
    ['what is named a token', 'access_token', 'opaque'],
    ['what is named a secret', 'clientSecret', 'opaque'],
    ['what the developer says is secret', 'memberCode', 'opaque'],
  ])('is never %s, even as a control value', (_, name, value) => {
    const argument = { path: `a.${name}`, standing: 'quoted', authors: ['user:alice'], chunks: [1] }
    const event = recorded(
      { input: { a: { [name]: value } }, arguments: [argument] },
      { secretNames: ['member*'] },
    )
    expect(event.input).toEqual({ a: { [name]: { redacted: 'secret', length: value.length } } })
  })

  test.each<[string, string]>([
    ['orderId', 'A-1007'],
    ['file', '1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms'],
    ['iban', 'DE89370400440532013000'],
    ['commit', '9fceb02d0ae598e95dc970b74767f19372d61af8'],
    ['tokens', '500'],
    ['keyword', 'shoes'],
    ['url', 'https://shop.example/orders?id=5'],
    ['order', '4111111111111112'],
  ])('keeps an ordinary %s', (name, value) => {
    const argument = { path: name, standing: 'quoted', authors: ['user:alice'], chunks: [1] }
    expect(recorded({ input: { [name]: value }, arguments: [argument] }).input).toEqual({ [name]: value })
  })

  test('is never a secret in a reason, a resource or a key', () => {
    const reason = {
      step: 'policy' as const,
      rule: 'r',
      outcome: 'deny' as const,
      text: `sent ${JWT} with password=hunter22`,
    }
    const event = recorded({
      reasons: [reason],
      resource: { type: 'url', id: `https://x/?t=${JWT}` },
      input: { [JWT]: 1 },
    })
    expect(JSON.stringify(event)).not.toMatch(/eyJ|hunter22/)
    expect(event.reasons[0]?.text).toBe('sent [secret] with password=[secret]')
  })

  test('is of a name that somebody else gave no more than a name, and never a secret', () => {
    const sink = memoryAudit()
    const audit = createAudit({ sink, now })
    const name = `${'x'.repeat(190)} ${JWT}`
    void audit.record({ type: 'tool-refused', server: 's', tool: name, because: 'no contract' }, { signal })
    const asked = { server: 's', because: 'no such tool', method: name, tool: 'x'.repeat(5000) }
    void audit.record({ type: 'request-refused', ...asked }, { signal })
    expect(sink.events()).toMatchObject([
      { tool: `${'x'.repeat(190)} [secret]` },
      { method: `${'x'.repeat(190)} [secret]`, tool: `${'x'.repeat(200)}…` },
    ])
  })

  test('tells equal contents to be equal only under a key, which guessing needs', () => {
    const digestKey = new Uint8Array(32).fill(7)
    expect(hmacOf(recorded({}))).toBeUndefined()
    expect(hmacOf(recorded({}, { digestKey }))).toMatch(/^[0-9a-f]{64}$/)
    expect(hmacOf(recorded({}, { digestKey }))).toBe(hmacOf(recorded({}, { digestKey })))
    expect(hmacOf(recorded({}, { digestKey }))).not.toBe(
      hmacOf(recorded({}, { digestKey: new Uint8Array(32) })),
    )
  })

  test('is cut where a control value or a reason is very long', () => {
    const long = 'x'.repeat(5000)
    const argument = { path: 'a', standing: 'quoted', authors: ['user:alice'], chunks: [1] }
    const reason = { step: 'policy' as const, rule: 'r', outcome: 'deny' as const, text: long }
    const event = recorded({ input: { a: long }, arguments: [argument], reasons: [reason] })
    expect(event.input).toEqual({ a: { redacted: 'long', length: 5000 } })
    expect(event.reasons[0]?.text).toHaveLength(2001)
  })
})

describe('an audit in memory', () => {
  test('keeps the last events, and says how many it dropped', () => {
    const sink = memoryAudit({ capacity: 3 })
    const audit = createAudit({ sink, now })
    for (let turn = 1; turn <= 5; turn += 1) void audit.record({ type: 'turn', turn }, { signal })
    expect(sink.events().map(({ sequence }) => sequence)).toEqual([3, 4, 5])
    expect(sink.dropped).toBe(2)
  })
})
