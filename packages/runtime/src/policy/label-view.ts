import { type Label, allAuthorsIn } from '../label/label.ts'

/**
 * All that a rule gets to know of labels.
 *
 * Each question is monotone: more from outside can turn a yes into a no, and never a no into a yes. Permits
 * need a yes, asks and denies a no, so a permit cannot be brought about by adding anything. Keep it so: do not
 * add a question whose yes an outsider could cause.
 */
export interface LabelView {
  /** Whether every author of what led to the call is in `set` (which never holds `anyone`). */
  allAuthorsIn(set: ReadonlySet<string>): boolean
  /** Whether every author of what led to the call is in the run's trusted set. */
  allAuthorsTrusted(): boolean
  /** Whether it is known whom the call reaches, and it is none but `readers`. */
  audienceWithin(readers: readonly string[]): boolean
}

/** The view of a call's cause; `audience` is whom the call reaches, undefined where that is not known. */
export function labelView(
  cause: Label,
  trusted: ReadonlySet<string>,
  audience: readonly string[] | undefined,
): LabelView {
  return {
    allAuthorsIn: (set) => allAuthorsIn(cause, set),
    allAuthorsTrusted: () => allAuthorsIn(cause, trusted),
    audienceWithin: (readers) => audience !== undefined && audience.every((one) => readers.includes(one)),
  }
}
