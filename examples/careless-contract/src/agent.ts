import { createGuard, type Guard } from '@gatewright/runtime'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import type { AgentUnderAudit } from '@gatewright/runtime/testing'
import type { careful } from './contracts.ts'
import { tools } from './tools.ts'

function guard(): Guard {
  return createGuard({
    agent: { id: 'desk', version: '1.0.0', expires: new Date('2999-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    trusted: ['operator:desk', 'operator:reports', 'operator:mail'],
  })
}

/** The help desk under one of its contract maps, as the kit wants it. */
export function desk(contracts: typeof careful): AgentUnderAudit<typeof tools> {
  return { guard, tools, contracts, principal: { subject: 'user:dana' } }
}
