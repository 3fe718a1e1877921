// The entry `@gatewright/runtime/credentials`: where the tokens of calls come from.
export { Secret } from './secret.ts'
export type {
  CallCredential,
  CredentialOwner,
  CredentialRequest,
  CredentialSource,
  KeyRequest,
  RunBehind,
} from './source.ts'
export type {
  DelegationScope,
  IssuerCall,
  IssuerCapabilities,
  ObtainedToken,
  RevokedScope,
  TokenClaims,
  TokenIssuer,
} from './issuer.ts'
export { createCredentials, type Credentials, type CredentialsOptions } from './credentials.ts'
export type { IssuerEntry } from './served-audience.ts'
export type { CredentialState, LiveCredential } from './held-token.ts'
export { liveCredentials } from './inventory.ts'
export type { Revocation } from './revoke.ts'
export {
  environmentSecrets,
  fileSecrets,
  type SecretSource,
  vaultSecrets,
  type VaultOptions,
} from './secret-source.ts'
export type { AuthorizationDetail } from '../contract/contract.ts'
export { CredentialError, UnavailableError } from '../errors.ts'
