// The entry `@gatewright/runtime/egress`: what goes out, without the secrets in it.
export { REDACTED, type Redacted, redactSecrets } from './secrets.ts'
