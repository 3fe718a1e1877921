import { createGuard, DeniedError, memoryAudit } from '@gatewright/runtime'
import { content, email } from '@gatewright/runtime/contract'
import {
  classificationAtMost,
  deny,
  not,
  permit,
  policy,
  tenantIs,
  velocityBelow,
  withinHours,
} from '@gatewright/runtime/policy'
import { tool } from 'ai'
import { z } from 'zod'
import { compileTools, invoke, record, registerTools, stateOf } from '../internal.ts'
import type { Said } from './peer.ts'
import type { Facts } from './rules.ts'

const RULES = [
  permit('mail-of-the-tenants', { tools: ['sendEmail'], when: tenantIs('acme', 'initech') }),
  deny('outside-hours', { when: not(withinHours({ from: '06:00', to: '22:00' })) }),
  deny('too-secret', { when: not(classificationAtMost('internal', ['public', 'internal', 'secret'])) }),
  deny('too-many-calls', { when: not(velocityBelow(1_000_000, 'sendEmail')) }),
  deny('suspended', { when: ({ attributes }) => attributes['isSuspended'] === true }),
  deny('interns-outside', { when: ({ attributes, egress }) => attributes['role'] === 'intern' && egress }),
  deny('refused-often', { when: ({ counts }) => counts.refusals() > 20 }),
  deny('long-subject', { when: ({ input }) => String(input['subject']).length > 200 }),
  deny('to-oneself', { when: ({ input, attributes }) => input['to'] === attributes['address'] }),
  deny('zone-not-served', { when: ({ timeZone }) => timeZone === 'Antarctica/Troll' }),
]

const sendEmail = tool({
  inputSchema: z.object({ to: z.string(), subject: z.string(), body: z.string() }),
  execute: () => 'sent',
})

/** A run in which the user said these messages, the model read these pages, and the last message named the recipient. */
export interface OurRun {
  /** A whole call through the enforcement point: the names of the rules that refused it, or undefined. */
  call(): Promise<readonly string[] | undefined>
  /** A new turn, so that the same mail may go out again. */
  nextTurn(): void
}

export async function ourRun(facts: Facts, said: readonly Said[]): Promise<OurRun> {
  const guard = createGuard({
    agent: { id: 'bench', version: '1', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules: RULES }),
    audit: { sink: memoryAudit() },
    now: () => new Date(Date.UTC(2026, 0, 15, facts.hour)),
  })
  const run = await guard.startRun({
    principal: {
      subject: 'user:alice',
      tenant: facts.tenant,
      timeZone: facts.timeZone,
      attributes: { role: facts.role, isSuspended: facts.isSuspended, address: facts.user },
    },
  })
  const state = stateOf(run)
  const { guarded } = compileTools(
    { sendEmail },
    {
      sendEmail: {
        effect: 'irreversible',
        egress: facts.isEgress,
        classification: facts.classification,
        args: { to: email(), subject: content(), body: content() },
        audience: ({ to }: { to: string }) => to,
      },
    },
  )
  registerTools(state, guarded.values())
  for (const [index, { message, page }] of said.entries()) {
    run.userSaid(index === said.length - 1 ? `${message} Please send it to ${facts.to}.` : message)
    record(state, { kind: 'history', from: 'page' }, ['anyone'], page)
  }
  state.counts.refusals = facts.refusals
  state.counts.calls.set('sendEmail', facts.calls)
  const snapshot = state.ledger.snapshot(state.ledger.chunks.map(({ id }) => id))
  const under = guarded.get('sendEmail')
  if (under === undefined) throw new Error('The tool of the benchmark is missing.')
  const { to, subject, body } = facts
  let calls = 0
  return {
    async call() {
      calls += 1
      try {
        await invoke(state, {
          call: `call-${calls}`,
          tool: under,
          input: { to, subject, body },
          snapshot,
          perform: () => 'sent',
        })
        return undefined
      } catch (error) {
        if (!(error instanceof DeniedError)) throw error
        return (
          error.decision?.reasons.filter(({ outcome }) => outcome === 'deny').map(({ rule }) => rule) ?? []
        )
      }
    },
    nextTurn: () => state.made.keys.clear(),
  }
}
