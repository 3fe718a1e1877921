import bench from '../package.json' with { type: 'json' }
import { type Benchmark, type Case, caseOf } from './case.ts'
import { measure, type Round, type Subject } from './measure.ts'
import { agentGovernance, agentGovernanceAudited } from './peers/agent-governance.ts'
import { casbin } from './peers/casbin.ts'
import { casl } from './peers/casl.ts'
import { cedar } from './peers/cedar.ts'
import { functions } from './peers/functions.ts'
import { opa, opaWithoutMessages } from './peers/opa.ts'
import { ourRun } from './peers/ours.ts'
import type { Decide, Peer, Said } from './peers/peer.ts'
import { PERMITTED } from './peers/rules.ts'
import { prose, seeded } from './prose.ts'

export const PEERS: readonly Peer[] = [
  functions,
  casl,
  agentGovernance,
  agentGovernanceAudited,
  casbin,
  cedar,
  opaWithoutMessages,
  opa,
]

const OURS =
  'all of it, after messages of 2 kB, each with a page of anyone’s of the same length: schema and input, identity, labels of the whole history, attestation of the recipient, the rules, flow, risk, audit of attempt and outcome, the call of a tool that does nothing, the label of its result'
const OUR_NAME = '@gatewright/runtime'
const HISTORIES = [1, 20, 200]
const MESSAGE_LENGTH = 2000
const EFFORT = { rounds: 24, samples: 200, warmUp: 4 }

/** One permitted call decided by what a user would pick instead, by the same ten rules, and by us. */
export const peers: Benchmark = {
  name: 'peers',
  about: 'one decision by ten rules: ours beside policy engines from npm',
  async run(): Promise<readonly Case[]> {
    const loaded = await Promise.all(PEERS.map(subjectsOf))
    const ours = HISTORIES.map((messages) => ({ messages, subject: ourSubject(messages) }))
    const times = await measure(
      [
        ...ours.map(({ subject }) => subject),
        ...loaded.flatMap(({ subjects }) => subjects.map(({ subject }) => subject)),
      ],
      EFFORT,
    )
    return [
      ...casesOf(
        OURS,
        ours.map((one) => ({ ...one, batch: 1 })),
        times,
      ),
      ...loaded.flatMap(({ name, measures, subjects, missing }) =>
        missing === undefined ? casesOf(measures, subjects, times) : [missingCase(name, missing)],
      ),
    ]
  },
}

/** A peer that has no figure, and says why. */
export function missingCase(name: string, missing: string): Case {
  return caseOf({ name, unit: 'µs', p50: Number.NaN, missing })
}

interface Sized {
  readonly messages: number | undefined
  readonly subject: Subject
  readonly batch: number
}

interface Loaded {
  readonly name: string
  readonly measures: string
  readonly subjects: readonly Sized[]
  /** Why it cannot be measured. */
  readonly missing?: string
}

/** What of a peer is timed, or why it cannot be: it is tried once before anything is measured. */
export async function subjectsOf(peer: Peer): Promise<Loaded> {
  const name = nameOf(peer)
  try {
    const prepare = await peer.load()
    const sizes = peer.histories ?? [undefined]
    const subjects = sizes.map((messages): Sized => {
      const decide = prepare(PERMITTED, messages === undefined ? [] : history(messages))
      return {
        messages,
        batch: peer.batch ?? 1,
        subject: peerSubject(named(name, messages), decide, peer.batch ?? 1),
      }
    })
    for (const { subject } of subjects) await (await subject.round()).sample()
    return { name, measures: peer.measures, subjects }
  } catch (error) {
    return {
      name,
      measures: peer.measures,
      subjects: [],
      missing: `not measured: ${(error as Error).message.split('\n')[0]}`,
    }
  }
}

/** A peer that stops permitting the call is not what is to be timed. */
function peerSubject(name: string, decide: Decide, batch: number): Subject {
  const check = (isPermitted: boolean): void => {
    if (!isPermitted) throw new Error(`${name} refuses a call that the rules permit.`)
  }
  const once = (): void | Promise<void> => {
    const answer = decide()
    return typeof answer === 'boolean' ? check(answer) : answer.then(check)
  }
  const many = (): void => {
    for (let i = 0; i < batch; i += 1) check(decide() as boolean)
  }
  return { name, round: (): Round => ({ sample: batch === 1 ? once : many }) }
}

function ourSubject(messages: number): Subject {
  return {
    name: named(OUR_NAME, messages),
    async round(): Promise<Round> {
      const run = await ourRun(PERMITTED, history(messages))
      return {
        async sample() {
          if ((await run.call()) !== undefined) throw new Error('The call of the benchmark was refused.')
        },
        between: run.nextTurn,
      }
    },
  }
}

/** The package with the version that is pinned here. */
function nameOf({ package: from, way }: Peer): string {
  const pinned: Readonly<Record<string, string>> = bench.devDependencies
  return [
    ...(from === undefined ? [] : [`${from} ${pinned[from] ?? ''}`]),
    ...(way === undefined ? [] : [way]),
  ].join(', ')
}

function history(messages: number): Said[] {
  const random = seeded(messages)
  return Array.from({ length: messages }, () => ({
    message: prose(MESSAGE_LENGTH, random),
    page: prose(MESSAGE_LENGTH, random),
  }))
}

function named(name: string, messages: number | undefined): string {
  return messages === undefined ? name : `${name}, ${messages} message${messages === 1 ? '' : 's'}`
}

/** Longer histories are compared with the shortest one of the same peer: what a decision costs as a run goes on. */
function casesOf(
  measures: string,
  subjects: readonly Sized[],
  times: Awaited<ReturnType<typeof measure>>,
): Case[] {
  const first = subjects[0] === undefined ? undefined : times.get(subjects[0].subject.name)
  return subjects.map(({ subject: { name }, batch }, index) => {
    const timing = times.get(name)
    if (timing === undefined || first === undefined) throw new Error(`${name} was not measured.`)
    const micro = (milliseconds: number): number => (milliseconds * 1000) / batch
    return caseOf({
      name,
      unit: 'µs',
      p50: micro(timing.p50),
      // Of a batch there is no percentile of single decisions.
      ...(batch === 1 ? { p99: micro(timing.p99) } : {}),
      ...(index === 0 ? { measures } : { baseline: micro(first.p50) }),
    })
  })
}
