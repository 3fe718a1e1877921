// The entry `@gatewright/runtime/contract`: all that a contract map is written with.
export {
  choice,
  content,
  date,
  email,
  iban,
  id,
  money,
  name,
  number,
  phone,
  text,
  time,
  url,
} from './argument.ts'
export { attributed, authored, minted } from './field.ts'
export type { Contract, CredentialContext, StillShown, ToolContract, ToolCredentials } from './contract.ts'
export type { Contracts } from './infer.ts'
export { describeContract } from './describe.ts'
export { contractFromOutputSchema, provenance } from './schema.ts'
