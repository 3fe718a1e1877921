// What the proxy is told of the tools behind it, and what it permits. `empty_trash` has no contract: it is not offered.
import { type Contract, content, email } from '@gatewright/runtime/contract'
import { permitContracted, policy as policyOf } from '@gatewright/runtime/policy'

export const contracts: Readonly<Record<string, Readonly<Record<string, Contract>>>> = {
  desk: {
    read_mail: 'read',
    send_mail: {
      effect: 'irreversible',
      args: { to: email(), body: content() },
      audience: ({ to }) => String(to),
      quota: { calls: 20, per: 'run' },
    },
  },
}

export const policy: ReturnType<typeof policyOf> = policyOf({ version: '1', rules: [permitContracted] })
