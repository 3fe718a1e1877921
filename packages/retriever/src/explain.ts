import { checkQuestion } from './check-options.ts'
import { predicateOf } from './index/evaluate-filter.ts'
import type { JoinedPlan } from './join-plans.ts'
import type { Plan } from './permissions.ts'
import type { Planned } from './plan.ts'
import { type Party, recheck } from './recheck.ts'
import type { Asker } from './retrieval.ts'
import type { DocumentMetadata, IndexScope, SearchHow, SearchIndex } from './search-index.ts'

/** A document, or the `k` documents that a query would find if everything were permitted. */
export type ExplainWhat = { readonly document: string } | { readonly query: string; readonly k?: number }

/** Why one document is shown or not. Names what the asker may not know: for an operator alone. */
export interface Explained {
  readonly document: string
  readonly shown: boolean
  /** In the order in which they are asked; those after a no are asked all the same. */
  readonly steps: readonly {
    readonly step:
      | 'index'
      | 'plan of the user'
      | 'plan of the agent'
      | 'recheck of the user'
      | 'recheck of the agent'
    readonly passes: boolean
    readonly why: string
  }[]
}

interface Explaining {
  readonly index: SearchIndex
  readonly asker: Asker
  readonly type: string
  readonly kind: SearchHow['kind']
  readonly user: Planned
  readonly agent: Planned | undefined
  readonly joined: JoinedPlan
  readonly scope: IndexScope
  readonly parties: readonly Party[]
  readonly checkMs: number
}

type Step = Explained['steps'][number]

export async function explainWith(
  of: Explaining,
  what: ExplainWhat,
  embed: (text: string) => Promise<readonly number[]>,
  signal: AbortSignal,
): Promise<readonly Explained[]> {
  if ('document' in what) return [await explainOne(of, what.document, signal)]
  const { query, k = 10 } = what
  checkQuestion(query, k)
  // Whatever would be found: the operator asks why something is missing.
  const everything: IndexScope = { tenant: of.asker.tenant, type: of.type, principals: undefined }
  const embedding = of.kind === 'text' ? [] : await embed(query)
  const how: SearchHow = { kind: of.kind, limit: k, offset: 0, exact: true }
  const hits = await of.index.search({ kind: 'all' }, everything, { text: query, embedding }, how, { signal })
  const documents = [...new Set(hits.map(({ document }) => document))]
  return Promise.all(documents.map((document) => explainOne(of, document, signal)))
}

async function explainOne(of: Explaining, document: string, signal: AbortSignal): Promise<Explained> {
  const { index, asker, type, user, agent } = of
  const metadata = await index.describe({ id: document, tenant: asker.tenant }, { signal })
  if (metadata === undefined || metadata.type !== type) {
    const why =
      metadata === undefined
        ? 'It is not in the index of this tenant.'
        : `It is of type ${metadata.type}, not ${type}.`
    return { document, shown: false, steps: [{ step: 'index', passes: false, why }] }
  }
  const { version, aclVersion = 'none' } = metadata
  const steps: Step[] = [
    { step: 'index', passes: true, why: `It is there in version ${version}, permissions ${aclVersion}.` },
    planStep('plan of the user', user.plan, metadata),
    ...(agent === undefined ? [] : [planStep('plan of the agent', agent.plan, metadata)]),
    ...(await checkSteps(of, metadata, signal)),
  ]
  return { document, shown: steps.every(({ passes }) => passes), steps }
}

function planStep(step: Step['step'], plan: Plan, metadata: DocumentMetadata): Step {
  switch (plan.kind) {
    case 'none':
      return { step, passes: false, why: 'Nothing is permitted.' }
    case 'all':
      return { step, passes: true, why: 'Everything is permitted.' }
    case 'postcheck':
      return { step, passes: true, why: 'The source says nothing before a search.' }
    case 'ids': {
      const passes = plan.ids.includes(metadata.id)
      const part = plan.complete ? '' : ' The list is not complete.'
      return { step, passes, why: `It is ${passes ? '' : 'not '}among ${plan.ids.length} ids.${part}` }
    }
    case 'filter': {
      const passes = predicateOf(plan.filter)(metadata)
      return {
        step,
        passes,
        why: `${passes ? 'Meets' : 'Does not meet'} ${shortened(JSON.stringify(plan.filter))}`,
      }
    }
    default:
      return plan satisfies never
  }
}

async function checkSteps(
  { parties, checkMs, asker }: Explaining,
  { id, version, aclVersion }: DocumentMetadata,
  signal: AbortSignal,
): Promise<Step[]> {
  return Promise.all(
    parties.map(async (party): Promise<Step> => {
      const items = [{ document: id, version, aclVersion }]
      const [answer] = await recheck([party], items, { timeoutMs: checkMs, signal })
      const step = party.access.subject === asker.subject ? 'recheck of the user' : 'recheck of the agent'
      if (answer?.permitted === true)
        return { step, passes: true, why: `${party.source.name} permits it now.` }
      const why = [answer?.reason ?? 'unanswered', answer?.why].filter((one) => one !== undefined).join(': ')
      return { step, passes: false, why: `${party.source.name}: ${why}` }
    }),
  )
}

function shortened(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}
