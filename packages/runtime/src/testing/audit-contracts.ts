import { asSchema, type FlexibleSchema, type ToolSet } from 'ai'
import { type CompiledContract, compileContract } from '../contract/compile.ts'
import type { Argument } from '../contract/argument.ts'
import { UNNAMED_ARGUMENT } from '../contract/argument.ts'
import type { Contract, Effect, Readers, Risk } from '../contract/contract.ts'
import { describeContract } from '../contract/describe.ts'
import type { Field } from '../contract/field.ts'
import { type JsonSchema, type SchemaLeaf, schemaLeaves } from '../contract/json-schema.ts'
import { declaredFields } from '../contract/lint-fields.ts'
import { lintContracts, type LintMessage } from '../contract/lint.ts'
import { ContractError } from '../errors.ts'
import type { Reason } from '../policy/decision.ts'
import { riskAnswer } from '../policy/risk.ts'
import type { AgentIdentity, PrincipalId } from '../principal.ts'
import { type AuditedAudience, auditedAudience } from './audit/audience.ts'
import {
  type Narrowing,
  narrowArgument,
  type NarrowedArgument,
  narrowField,
  narrowTool,
} from './audit/narrow.ts'
import { type Reach, reachesOf, type Surroundings } from './audit/reach.ts'

export interface AuditedContracts {
  readonly tools: ToolSet
  readonly contracts: object
  /** As given to `createGuard`. Left out, the audit does not say whether an operator's word binds anything. */
  readonly trusted?: readonly PrincipalId[]
  /** As given to `createGuard`: tools that its registration leaves out are marked so. */
  readonly agent?: Pick<AgentIdentity, 'allowedTools' | 'deniedTools'>
}

/** What a contract map leaves to whom. Plain data, for a person's table or a program. */
export interface ContractsAudit {
  /** Every contract can be used together with the others: `createGuard` would start. */
  readonly ok: boolean
  readonly findings: readonly LintMessage[]
  /** In the order of `tools`. A tool whose contract cannot be read is in `findings` alone. */
  readonly tools: readonly ToolAudit[]
}

export interface ToolAudit {
  readonly tool: string
  readonly effect: Effect
  readonly egress: boolean
  readonly risk: Risk
  /** What the risk alone answers, where everything else permits. */
  readonly answer: Reason['outcome']
  /** The agent's registration does not allow it. */
  readonly notOfAgent: boolean
  readonly audience: AuditedAudience
  /** Who may read what it returns, where the contract says so. */
  readonly readers: Readers | undefined
  readonly arguments: readonly ArgumentAudit[]
  readonly fields: readonly FieldAudit[]
  /** Lines for the tool as a whole and for its result; those of an argument stand with it. */
  readonly narrowings: readonly Narrowing[]
}

export interface ArgumentAudit {
  readonly path: string
  readonly role: Argument['role']
  readonly type: string
  /** For an id: what it identifies. */
  readonly kind: string | undefined
  /** False where no path of the contract names it, so that the strict default holds. */
  readonly isNamed: boolean
  /** Keys on the way are chosen by the caller; each is attested like a value. */
  readonly freeForm: boolean
  readonly reaches: readonly Reach[]
  /** What becomes of a call that leaves it out; undefined where the schema requires it. */
  readonly whenAbsent: 'permitted' | 'asks' | undefined
  readonly narrowings: readonly Narrowing[]
}

export interface FieldAudit {
  readonly path: string
  readonly field: Field['field']
  readonly kind: string | undefined
  readonly party: string | undefined
}

/**
 * Say of each tool which of its arguments can be reached by whom, with what values, and which line of a contract
 * would narrow it; from the contracts alone, running nothing but their `audience` functions on a made-up input.
 *
 * It holds for attest mode, once the model has seen anything untrusted, before policy, authority, grants and
 * limits: those only take away, but for a bounded grant and an approval. A narrowing is advice: an `option` may be
 * meant, a `doubt` goes by names and formats, and may be wrong about either.
 */
export async function auditContracts({
  tools,
  contracts,
  trusted,
  agent,
}: AuditedContracts): Promise<ContractsAudit> {
  const { compiled, schemas, findings } = await compiledAll(tools, contracts)
  const all = [...compiled.values()]
  const linted = [...findings, ...lintContracts(all, Object.fromEntries(schemas))]
  const around: Surroundings = {
    compiled: all,
    output: (tool) => schemas.get(tool)?.output,
    trusts: ({ operator }) =>
      operator === undefined ? false : trusted === undefined ? undefined : trusted.includes(operator),
  }
  return {
    ok: linted.every(({ level }) => level !== 'error'),
    findings: linted,
    tools: all.map((one) => ({
      ...auditTool(one, schemas.get(one.tool)?.input ?? {}, around),
      notOfAgent:
        agent?.deniedTools?.includes(one.tool) === true || agent?.allowedTools?.includes(one.tool) === false,
    })),
  }
}

function auditTool(
  compiled: CompiledContract,
  input: JsonSchema,
  around: Surroundings,
): Omit<ToolAudit, 'notOfAgent'> {
  const { tool, effect, egress, risk, contract } = compiled
  const leaves = schemaLeaves(input).filter(({ path }) => path !== '')
  const carries = leaves.some(({ place }) => compiled.argumentAt(place).role === 'content')
  const audience = auditedAudience(compiled, leaves, carries)
  const suggestions = describeContract(tool, input).contract.args ?? {}
  const looked = leaves.map((leaf): NarrowedArgument => {
    const argument = compiled.argumentAt(leaf.place)
    return {
      leaf,
      argument,
      reaches: reachesIn(compiled, leaf, argument, around),
      suggested: controlOf(suggestions[leaf.path]),
      isRecipient: audience.arguments.includes(leaf.path),
    }
  })
  const fields = declaredFields(compiled)
  return {
    tool,
    effect,
    egress,
    risk,
    answer: riskAnswer(risk).reason.outcome,
    audience,
    readers: contract.readers,
    arguments: looked.map((one) => auditArgument(compiled, one)),
    fields: fields.map(([path, field]) => ({
      path,
      field: field.field,
      kind: field.field === 'minted' ? field.kind : undefined,
      party: field.field === 'minted' ? undefined : field.party,
    })),
    narrowings: [
      ...narrowTool(compiled, audience, looked),
      ...fields.flatMap(([path, field]) => narrowField(tool, path, field) ?? []),
    ],
  }
}

function auditArgument(compiled: CompiledContract, one: NarrowedArgument): ArgumentAudit {
  const { leaf, argument, reaches } = one
  const isFree =
    compiled.plainRead ||
    argument.role === 'content' ||
    argument.harmless.includes('empty') ||
    compiled.defaultAt(leaf.place) !== undefined
  return {
    path: leaf.path,
    role: argument.role,
    type: argument.role === 'content' ? 'content' : argument.type,
    kind: argument.role === 'control' ? argument.kind : undefined,
    isNamed: argument !== UNNAMED_ARGUMENT,
    freeForm: leaf.freeForm,
    reaches,
    whenAbsent: leaf.optional ? (isFree ? 'permitted' : 'asks') : undefined,
    narrowings: narrowArgument(compiled, one),
  }
}

function reachesIn(
  { contract, plainRead, defaultAt }: CompiledContract,
  { place }: SchemaLeaf,
  argument: Argument,
  around: Surroundings,
): readonly Reach[] {
  if (argument.role === 'content') return [{ by: 'anyone', why: 'content' }]
  if (plainRead) return [{ by: 'anyone', why: 'plain-read' }]
  return reachesOf(argument, defaultAt(place), contract.constants ?? [], around)
}

function controlOf(argument: Argument | undefined): NarrowedArgument['suggested'] {
  return argument?.role === 'control' ? argument : undefined
}

interface Compiled {
  readonly compiled: ReadonlyMap<string, CompiledContract>
  readonly schemas: ReadonlyMap<string, { readonly input?: JsonSchema; readonly output?: JsonSchema }>
  readonly findings: readonly LintMessage[]
}

/** Every contract that can be read, and what is wrong with the others: an audit does not stop at the first. */
async function compiledAll(tools: ToolSet, contracts: object): Promise<Compiled> {
  const byName = contracts as Readonly<Record<string, Contract | undefined>>
  const compiled = new Map<string, CompiledContract>()
  const schemas = new Map<string, { input?: JsonSchema; output?: JsonSchema }>()
  const findings: LintMessage[] = Object.keys(byName)
    .filter((name) => !Object.hasOwn(tools, name))
    .map((name) => finding(new ContractError(`contracts.${name}`, name, 'the name of a tool in tools')))
  for (const [name, tool] of Object.entries(tools)) {
    try {
      const input = await jsonSchemaOf(tool.inputSchema)
      const contract = Object.hasOwn(byName, name) ? byName[name] : undefined
      if (contract === undefined)
        throw new ContractError(
          `contracts.${name}`,
          undefined,
          "a contract, such as 'read'",
          'ERR_CONTRACT_MISSING',
        )
      compiled.set(name, compileContract(name, contract, input))
      schemas.set(name, {
        input,
        ...(tool.outputSchema === undefined ? {} : { output: await jsonSchemaOf(tool.outputSchema) }),
      })
    } catch (error) {
      if (!(error instanceof ContractError)) throw error
      findings.push(finding(error))
    }
  }
  return { compiled, schemas, findings }
}

async function jsonSchemaOf(schema: FlexibleSchema<unknown>): Promise<JsonSchema> {
  return (await asSchema(schema).jsonSchema) as JsonSchema
}

// The message of a ContractError begins with its key.
function finding({ message }: ContractError): LintMessage {
  return { level: 'error', key: message.slice(0, message.indexOf(': expected ')), message }
}
