/** Steps from a row to one of its leaves. */
export type Steps = readonly (string | number)[]

export type Aggregate = 'sum' | 'min' | 'max' | 'count' | 'first' | 'last'

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

/** A comparand: nothing in it comes from a result. */
export type Constant =
  | { readonly op: 'literal'; readonly value: string | number }
  | { readonly op: 'today' }
  | { readonly op: 'date'; readonly of: Constant }
  | { readonly op: 'addDays'; readonly of: Constant; readonly days: number }

/** What a filter asks of a row. */
export type Predicate =
  | { readonly op: 'and' | 'or'; readonly left: Predicate; readonly right: Predicate }
  | { readonly op: 'not'; readonly of: Predicate }
  | {
      readonly op: 'compare'
      readonly how: Comparison
      readonly field: Steps
      /** The field was written inside `date(…)`. */
      readonly asDate: boolean
      readonly to: Constant
    }

/** The one factor of an expression; one side is a literal. */
export interface Product {
  readonly op: 'multiply' | 'divide'
  readonly left: Expression
  readonly right: Expression
}

/**
 * An expression of `derive`, once every rule that can be judged without values has been applied.
 *
 * It has no way to say what is not allowed: no list or map, no ternary, no comparison outside a filter, no
 * arithmetic inside one, no index that is computed.
 */
export type Expression =
  | Constant
  | { readonly op: 'result'; readonly tool: string; readonly index: number }
  | { readonly op: 'step'; readonly of: Expression; readonly step: string | number }
  | { readonly op: 'negate' | 'abs' | 'date'; readonly of: Expression }
  | { readonly op: 'round'; readonly of: Expression; readonly places: number }
  | { readonly op: 'addDays'; readonly of: Expression; readonly days: number }
  | {
      readonly op: 'addTime'
      readonly of: Expression
      readonly amount: number
      readonly unit: 'hour' | 'minute'
    }
  | {
      readonly op: 'add' | 'subtract' | 'daysBetween'
      readonly left: Expression
      readonly right: Expression
    }
  | Product
  | { readonly op: Aggregate; readonly of: Expression }
  | { readonly op: 'least' | 'greatest'; readonly among: readonly Expression[] }
  | { readonly op: 'filter' | 'pick'; readonly of: Expression; readonly where: Predicate }
  | { readonly op: 'map' | 'sort'; readonly of: Expression; readonly field: Steps }
