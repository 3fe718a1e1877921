import { setTimeout as sleep } from 'node:timers/promises'
import { liveCredentials } from '@gatewright/runtime/credentials'
import type { RetireStep } from '@gatewright/runtime/identity'
import type { Store } from '@gatewright/runtime/store'

const WAIT_MS = 5000
const LOOK_AGAIN_MS = 100

/**
 * What became of the tokens of an agent that was halted: the processes that hold them revoke them when they hear of
 * it, and record that in the store. One that has not done so in a few seconds is named, with when it runs out.
 */
export async function tokenSteps(
  store: Store,
  agent: string,
  { signal, waitMs = WAIT_MS }: { readonly signal: AbortSignal; readonly waitMs?: number },
): Promise<readonly RetireStep[]> {
  const call = { signal }
  const until = performance.now() + waitMs
  for (;;) {
    const valid = (await liveCredentials(store, { agent }, call)).filter(
      ({ expires }) => Date.parse(expires) > Date.now(),
    )
    const open = valid.some(({ state }) => state === 'live' || state === 'dropped')
    if (!open || performance.now() >= until)
      return valid.length === 0
        ? [{ ...STEP, confirmed: true, detail: 'no token of it is recorded in the store' }]
        : valid.map(({ id, subject, agent: actor, issuer, heldBy, state, expires }) => ({
            ...STEP,
            confirmed: state === 'revoked',
            detail: `token ${id} of ${subject ?? actor} at ${issuer}, held by ${heldBy}: ${
              state === 'revoked'
                ? 'revoked'
                : `its process has not confirmed that; it runs out at ${expires}`
            }`,
          }))
    await sleep(LOOK_AGAIN_MS, undefined, call)
  }
}

const STEP = { system: 'credentials', action: 'waited for its tokens to be revoked' } as const
