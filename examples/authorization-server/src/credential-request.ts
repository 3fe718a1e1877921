import { type CredentialRequest, Secret } from '@gatewright/runtime/credentials'
import { ORDERS_API } from './world.ts'

/** What a guard asks a token issuer for: the look-up of an order for Alice, who signs in here, but for `changes`. */
export async function requestOf(
  { signIn }: { signIn(user: string): Promise<string> },
  changes: Partial<CredentialRequest> = {},
): Promise<CredentialRequest> {
  const { subject }: Pick<CredentialRequest, 'subject'> = { subject: 'user:alice', ...changes }
  const isGiven = subject === undefined || 'subjectToken' in changes
  return {
    audience: ORDERS_API,
    scopes: ['orders:read'],
    subject,
    subjectToken: isGiven ? undefined : new Secret(await signIn(subject.replace(/^user:/, ''))),
    actor: 'agent:support@1.0.0',
    delegation: [],
    tenant: undefined,
    run: 'run-1',
    session: undefined,
    tool: 'lookUpOrder',
    ...changes,
  }
}
