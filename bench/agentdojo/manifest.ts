import type { GuardOptions, Principal } from '@gatewright/runtime'
import type { Contract } from '@gatewright/runtime/contract'

/** What a suite's state looks like: plain JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * What a developer says about a suite: the contracts of its tools, whom they trust, and for whom the agent acts.
 *
 * Written from the tools' names, descriptions and schemas and from what the fields of their outputs are, before any
 * task or attack was read, and never tuned to one.
 */
export interface Manifest {
  readonly contracts: Readonly<Record<string, Contract>>
  readonly trusted: NonNullable<GuardOptions['trusted']>
  readonly principal: Principal
  /** The day on which the tasks are set, where a tool of the suite tells it. */
  readonly now?: Date
}

/** A manifest module exports this as `manifest`. The environment is given for the account's owner and the clock. */
export type MakeManifest = (environment: Json) => Manifest

/** A text of the environment. @throws {TypeError} If there is none at that path. */
export function textAt(environment: Json, ...path: readonly string[]): string {
  const value = path.reduce<Json | undefined>(
    (here, key) =>
      typeof here === 'object' && here !== null && !Array.isArray(here)
        ? (here as Readonly<Record<string, Json>>)[key]
        : undefined,
    environment,
  )
  if (typeof value !== 'string') throw new TypeError(`environment.${path.join('.')}: expected a text.`)
  return value
}
