import type { Tool, ToolSet } from 'ai'
import type { Json } from '../json/plain.ts'
import type { Contract } from './contract.ts'

/**
 * The contract map of a set of AI SDK tools, inferred from their own types.
 *
 * Each tool that is known statically needs its contract, and each path must exist in the tool's input or output
 * as `execute` sees them (after a schema's transforms). A tool whose input or output is `any` or `unknown`
 * accepts every path there; the contract is checked again when wrapping.
 */
export type Contracts<TOOLS extends ToolSet> = {
  readonly [NAME in keyof TOOLS]: ContractFor<TOOLS[NAME]>
}

// `Tool` is a union: in brackets it is inferred from once, not once a member.
type ContractFor<TOOL> = [TOOL] extends [Tool<infer INPUT, infer OUTPUT, infer _CONTEXT>]
  ? ContractOf<INPUT, OUTPUT>
  : Contract

/** The contract of a tool with this input and output. */
export type ContractOf<INPUT, OUTPUT> = Contract<
  IsOpen<INPUT> extends true ? Record<string, Json> : INPUT,
  PathOf<INPUT>,
  PathOf<OUTPUT>
>

/**
 * Every path into a value: `to`, `items.id` (past the positions of a list), `items.*.id`, `pair.0`, `notes.**`.
 *
 * What is open (`any`, `unknown`, a record of any key) takes any string from there on, and so does what is
 * nested more than five levels deep.
 */
export type PathOf<T> = IsOpen<T> extends true ? string : Inside<T, 5> | '*' | '**'

type Scalar =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Date
  | Uint8Array
  | ((...args: never) => unknown)
type Less = [0, 0, 1, 2, 3, 4]

// `any`, `unknown` and `never` (a tool that says nothing of its output) alike. In brackets, so as not to distribute.
type IsOpen<T> = [T] extends [never] ? true : unknown extends T ? true : false

type Inside<T, DEPTH extends number> = T extends Scalar
  ? never
  : DEPTH extends 0
    ? string
    : T extends readonly unknown[]
      ? number extends T['length']
        ? '*' | Item<T[number], DEPTH>
        : '*' | Item<T[number], DEPTH> | Property<T, keyof T & `${number}`, DEPTH>
      : string extends keyof T
        ? string
        : Property<T, keyof T & string, DEPTH>

type Item<T, DEPTH extends number> =
  IsOpen<T> extends true ? string : Inside<T, DEPTH> | `*.${Inside<T, Less[DEPTH]>}`

// A name with a dot in it cannot be written as a step of a path, so it stays as strict as an unnamed one.
type Property<T, KEY extends keyof T & string, DEPTH extends number> = {
  [K in KEY]: K extends `${string}.${string}` ? never : K | Below<K, T[K], DEPTH>
}[KEY]

type Below<KEY extends string, T, DEPTH extends number> =
  IsOpen<T> extends true
    ? `${KEY}.${string}`
    : [Exclude<T, Scalar>] extends [never]
      ? never
      : `${KEY}.**` | `${KEY}.${Inside<T, Less[DEPTH]>}`
