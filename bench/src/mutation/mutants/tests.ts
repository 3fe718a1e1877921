/** Test files that mutants name, from the root. */
export const RUNTIME = 'packages/runtime/src'

export const beside = (...names: readonly string[]): readonly string[] =>
  names.map((name) => `${RUNTIME}/${name}.test.ts`)

export const scenarios = (...names: readonly string[]): readonly string[] =>
  names.map((name) => `test/scenarios/${name}.test.ts`)

export const attacks = (...names: readonly string[]): readonly string[] =>
  names.map((name) => `test/attacks/${name}.test.ts`)
