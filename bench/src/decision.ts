import { createGuard, memoryAudit } from '@gatewright/runtime'
import { content, email } from '@gatewright/runtime/contract'
import {
  classificationAtMost,
  deny,
  not,
  permit,
  policy,
  type PolicyRequest,
  tenantIs,
  velocityBelow,
  withinHours,
} from '@gatewright/runtime/policy'
import { tool } from 'ai'
import { z } from 'zod'
import { type Benchmark, type Case, caseOf } from './case.ts'
import { compileTools, invoke, record, registerTools, stateOf } from './internal.ts'
import { measure, type Round, type Subject } from './measure.ts'
import { prose, seeded } from './prose.ts'

const TARGET_MICROSECONDS = 16
const MOST_GROWTH = 1.3
const MESSAGE_LENGTH = 2000
const LONG = 200
const EFFORT = { rounds: 40, samples: 400, warmUp: 6 }

/**
 * A whole call through the enforcement point to a tool that does nothing: input and schema check, identity,
 * attestation of a quoted recipient, ten conditional rules, flow rules, risk, the audit of the attempt, the run of
 * the tool, the label of its result and the audit of the outcome. The model had seen untrusted pages.
 */
export const decision: Benchmark = {
  name: 'decision',
  about: 'one call through the enforcement point, after 1 message and after 200',
  async run(): Promise<readonly Case[]> {
    const short = subject('1 message', 1)
    const long = subject(`${LONG} messages`, LONG)
    const times = await measure([short, long], EFFORT)
    const [first, last] = [microseconds(times.get(short.name)), microseconds(times.get(long.name))]
    return [
      caseOf({
        name: `after 1 message of ${MESSAGE_LENGTH / 1000} kB`,
        unit: 'µs',
        ...first,
        target: TARGET_MICROSECONDS,
      }),
      caseOf({
        name: `after ${LONG} messages of ${MESSAGE_LENGTH / 1000} kB`,
        unit: 'µs',
        ...last,
        target: TARGET_MICROSECONDS,
      }),
      caseOf({
        name: `${LONG} messages against 1`,
        unit: 'µs',
        p50: last.p50,
        baseline: first.p50,
        target: MOST_GROWTH,
      }),
    ]
  },
}

const rules = [
  permit('mail-of-the-tenant', { tools: ['sendEmail'], when: tenantIs('acme', 'initech') }),
  deny('outside-hours', { when: not(withinHours({ from: '00:00', to: '24:00' }, 'Europe/Berlin')) }),
  deny('too-secret', { when: not(classificationAtMost('internal', ['public', 'internal', 'secret'])) }),
  deny('too-fast', { when: not(velocityBelow(1_000_000, 'sendEmail')) }),
  deny('suspended', { when: ({ attributes }) => attributes['suspended'] === true }),
  deny('interns-outside', { when: ({ attributes, egress }) => attributes['role'] === 'intern' && egress }),
  deny('refused-often', { when: ({ counts }) => counts.refusals() > 20 }),
  deny('long-subject', { when: (request) => subjectOf(request).length > 200 }),
  deny('to-ourselves', { when: ({ input, subject: user }) => input['to'] === user }),
  deny('retired-zone', { when: ({ timeZone }) => timeZone === 'Etc/Unknown' }),
]

function subjectOf({ input }: PolicyRequest): string {
  return typeof input['subject'] === 'string' ? input['subject'] : ''
}

const tools = compileTools(
  {
    sendEmail: tool({
      inputSchema: z.object({ to: z.string(), subject: z.string(), body: z.string() }),
      execute: () => 'sent',
    }),
  },
  {
    sendEmail: {
      effect: 'irreversible',
      classification: 'internal',
      args: { to: email(), subject: content(), body: content() },
      audience: ({ to }: { to: string }) => to,
    },
  },
)

const input = {
  to: 'Bob.Jones@partner.example',
  subject: 'The minutes of Tuesday',
  body: 'Hello Bob, here are the minutes, and what we agreed on. Best wishes',
}

/** Each message of the user is followed by a page that anyone may have written. */
function subject(name: string, messages: number): Subject {
  return {
    name,
    async round(): Promise<Round> {
      const run = await newRun()
      const state = stateOf(run)
      registerTools(state, tools.guarded.values())
      const random = seeded(messages)
      for (let i = 0; i < messages; i += 1) {
        const text = prose(MESSAGE_LENGTH, random)
        run.userSaid(i === messages - 1 ? `${text} Please send it to bob.jones@partner.example.` : text)
        record(state, { kind: 'history', from: 'page' }, ['anyone'], prose(MESSAGE_LENGTH, random))
      }
      const snapshot = state.ledger.snapshot(state.ledger.chunks.map(({ id }) => id))
      const sendEmail = [...tools.guarded.values()][0]
      if (sendEmail === undefined) throw new Error('The tool of the benchmark is missing.')
      let calls = 0
      return {
        sample() {
          calls += 1
          return invoke(state, {
            call: `call-${calls}`,
            tool: sendEmail,
            input,
            snapshot,
            perform: () => 'sent',
          })
        },
        // The same mail goes out once a turn; forgetting it stands for a turn of its own.
        between: () => state.made.keys.clear(),
      }
    },
  }
}

async function newRun(): ReturnType<ReturnType<typeof createGuard>['startRun']> {
  const guard = createGuard({
    agent: { id: 'bench', version: '1', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules }),
    audit: { sink: memoryAudit() },
  })
  return await guard.startRun({
    principal: { subject: 'user:alice', tenant: 'acme', attributes: { role: 'lead' } },
  })
}

function microseconds(timing: { p50: number; p99: number } | undefined): { p50: number; p99: number } {
  if (timing === undefined) throw new Error('Nothing was measured.')
  return { p50: timing.p50 * 1000, p99: timing.p99 * 1000 }
}
