import type { Place } from '../../json/path.ts'
import type { Json, JsonScalar } from '../../json/plain.ts'
import type { Label } from '../../label/label.ts'

/** How well a value stands, weakest last. */
export type Standing = 'quoted' | 'bound' | 'minted' | 'unattested'

/** What is known about one thing an expression may lean on. */
export interface Footing {
  readonly standing: Standing
  readonly label: Label
  /** The turn in which it was quoted or bound. */
  readonly turn: number
}

/** One tool result that an expression may read. */
export interface Operand {
  /** Frozen plain JSON. */
  readonly value: Json
  /** How the leaf at this place stands, and its label. */
  leaf(place: Place): Footing
  /** The same for the membership of the list at this place: which rows exist, their order and number. */
  membership(place: Place): Footing
  /** The same for a leaf that a filter compares, and that is not shown: as the leaf, where left out. */
  tested?(place: Place): Footing
  /**
   * The same for which rows of the list at this place a filter keeps, that keeps none unless all of `equalities`
   * hold: as the membership, where left out. Literals of a filter are quoted, or it is refused.
   */
  selected?(place: Place, equalities: readonly Equality[]): Footing
}

/** A field of a row, and the literal that a filter wants it to equal. */
export interface Equality {
  readonly field: readonly (string | number)[]
  readonly value: string | number
}

/** Everything an expression can see. */
export interface DeriveScope {
  /** Results by tool name, in order of execution: `results.lookup_order[0].total`. */
  readonly results: Readonly<Record<string, readonly Operand[]>>
  /** How a literal of the expression stands: is it quoted in trusted text, or a declared constant? */
  literal(value: string | number): Footing
  /** Today's date in the user's zone (ISO 8601), from a trusted clock. */
  readonly today: string
  /** IANA zone in which timestamps become dates. */
  readonly timeZone: string
}

/** A leaf, or a list whose membership mattered. */
export interface Read {
  readonly tool: string
  readonly index: number
  readonly place: Place
}

/** Why nothing was derived. */
export type DeriveRefusal =
  | 'syntax'
  | 'forbidden'
  | 'too-large'
  | 'too-many-reads'
  | 'absent'
  | 'type'
  | 'reused'
  | 'unquoted'
  | 'arithmetic'
  | 'not-a-leaf'

export interface DerivedValue {
  readonly ok: true
  readonly value: JsonScalar
  /** The weakest of everything the expression leaned on. */
  readonly standing: Standing
  /** The join of every leaf read, every literal, and the membership of every list touched. */
  readonly label: Label
  /**
   * The oldest turn of what was quoted or bound, so that "in the current turn" holds only if all of it was.
   * −1 where there was none: older than every turn.
   */
  readonly turn: number
  readonly reads: readonly Read[]
  /** The leaf that `value` is, where it was picked whole and not computed. */
  readonly leaf?: Read
}

export interface DeriveFailure {
  readonly ok: false
  readonly reason: DeriveRefusal
  /** May be shown to the model: says what rule was broken, and holds no value. */
  readonly message: string
}

export type Derived = DerivedValue | DeriveFailure
