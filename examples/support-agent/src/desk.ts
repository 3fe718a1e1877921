import type { webcrypto } from 'node:crypto'
import { approvalSigner, type GuardOptions, programmaticChannel } from '@gatewright/runtime'
import type { Desk } from './story.ts'

/** What a person was shown. */
export type Shown = (text: string) => void

/**
 * The desk of Robin, who says yes or no to deletions. Robin's key signs; the guard knows only its public half, and
 * no tool and no model can reach either.
 */
export async function openDesk(desk: Desk, shown: Shown): Promise<NonNullable<GuardOptions['approvals']>> {
  const { publicKey, privateKey } = (await crypto.subtle.generateKey('Ed25519', false, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair
  const sign = approvalSigner({ approver: 'user:robin', privateKey, now: () => new Date() })
  let captured: string | undefined
  const channel = programmaticChannel(
    ({ facts }) => {
      const sources = facts.sources.map(({ path, value, from }) => `${path} ${value} is from ${from}`)
      const question = [facts.what, ...facts.reasons.slice(0, 1), ...sources].map(unstopped).join('; ')
      shown(`user:robin is shown: ${question}`)
      if (desk === 'no-answer') return undefined
      shown(
        captured === undefined
          ? 'user:robin signs: approve'
          : 'an attacker hands in the yes that user:robin signed before',
      )
      return 'approve'
    },
    async (request, decision) => (captured ??= await sign(request, decision)),
  )
  return {
    channel,
    approvers: [{ id: 'user:robin', key: publicKey }],
    waitMs: desk === 'no-answer' ? 0 : 5000,
  }
}

function unstopped(sentence: string): string {
  return sentence.replace(/\.$/, '')
}
