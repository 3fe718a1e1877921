export type LinkForm = 'markdown' | 'html' | 'bare' | 'reference'

/** A link or remote image standing in text. */
export interface Link {
  /** Where it leads, entities and escapes decoded. */
  readonly href: string
  readonly start: number
  readonly end: number
  /** It is fetched without a click: an image, a frame, a style sheet, a refresh. */
  readonly image: boolean
  readonly form: LinkForm
}

export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A link that markup makes, with what it takes to unmake it. */
export interface Construct extends Link {
  /** Where the destination is written. */
  readonly dest: { readonly start: number; readonly end: number }
  /** What stands before the words of a well-formed link. */
  readonly lead?: { readonly start: number; readonly end: number }
  /** What stands after them; the whole where there are none. Left out where the markup is not well formed. */
  readonly tail?: { readonly start: number; readonly end: number }
  /** The smallest change that leaves text for every renderer. */
  readonly snap: Edit
}

/** A stretch that one piece of markup takes up; `open` where the text ends before it does. */
export interface Region {
  readonly start: number
  readonly end: number
  readonly open: boolean
  /** What closes an open one for good. */
  readonly snap?: Edit
}

export interface Scanned {
  readonly constructs: Construct[]
  readonly regions: Region[]
}
