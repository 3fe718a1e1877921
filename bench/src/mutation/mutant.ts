/** One check of the guard, disabled: if no test notices, a test is missing. */
export interface Mutant {
  /** Unique; what `--only` picks by. */
  readonly name: string
  /** What no longer holds, in a few words. */
  readonly drops: string
  /** From the root of the repository. */
  readonly file: string
  /** Stands exactly once in the file. Kept short, so that it survives edits around it. */
  readonly find: string
  readonly replace: string
  /** The test files likeliest to notice, from the root; every other test is run if they do not. */
  readonly tests: readonly string[]
}

/** The file with the check disabled, or why that cannot be done any more. */
export type Applied = { readonly text: string } | { readonly why: string }

/** Disable the check in the text of its file. */
export function applyMutant(text: string, { find, replace }: Pick<Mutant, 'find' | 'replace'>): Applied {
  const at = text.indexOf(find)
  if (at < 0) return { why: 'its text is no longer in the file' }
  if (text.includes(find, at + 1)) return { why: 'its text stands in the file more than once' }
  if (find === replace) return { why: 'it changes nothing' }
  return { text: text.slice(0, at) + replace + text.slice(at + find.length) }
}
