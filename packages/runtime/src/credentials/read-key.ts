import { CredentialError } from '../errors.ts'
import { issuerFailed } from './issuer-failed.ts'
import { unlessCut } from './revoke.ts'
import { Secret } from './secret.ts'
import type { SecretSource } from './secret-source.ts'
import type { CallCredential, KeyRequest } from './source.ts'

// What is shorter stands in ordinary results by chance, and could not be taken out of them.
const SHORTEST_KEY = 8

/** Read a third party's key for one call. Nothing is kept of it. */
export async function readKey(
  source: SecretSource | undefined,
  { secret, origin }: KeyRequest,
  signal: AbortSignal,
): Promise<CallCredential> {
  if (source === undefined)
    throw new CredentialError('ERR_CREDENTIAL', 'This guard has no source of keys.', { reason: 'source' })
  let read
  try {
    read = await unlessCut((async () => source.read(secret, { signal }))(), signal)
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw error
    throw issuerFailed(error)
  }
  if (
    !(read instanceof Secret) ||
    read.reveal().length < SHORTEST_KEY ||
    !/^[\x21-\x7e]+$/.test(read.reveal())
  )
    throw new CredentialError('ERR_CREDENTIAL', 'A key is not one that can go into a header.', {
      reason: 'secret',
    })
  return { audience: origin, expires: undefined, token: () => read.reveal() }
}
