import { CredentialError, type Secret } from '@gatewright/runtime/credentials'
import type { EndDelegation } from './oauth-issuer.ts'
import type { OpenClient } from './open-client.ts'

export interface ManagementApi {
  readonly method: 'DELETE' | 'POST'
  /** Where it is asked to end what one user has allowed. */
  readonly urlOf: (user: string) => URL
  /** How it says that it has; any other status is a no. */
  readonly done: readonly number[]
  /** Gives a token that may do this. */
  readonly token: () => Promise<Secret>
}

/** Ends delegations by a vendor's management API, user by user. One that it does not end is an error. */
export function endByManagement(
  client: OpenClient,
  { method, urlOf, done, token }: ManagementApi,
): EndDelegation {
  return async ({ subjects }, { signal }) => {
    const urls = subjects.map((subject) => urlOf(subject.replace(/^user:/, '')))
    const authorization = `Bearer ${(await token()).reveal()}`
    for (const { href } of urls) {
      const { status } = await client.fetch(href, { method, headers: { authorization }, signal })
      if (!done.includes(status))
        throw new CredentialError('ERR_CREDENTIAL', 'The issuer did not end a delegation.', {
          reason: 'management',
        })
    }
    return urls.length > 0
  }
}
