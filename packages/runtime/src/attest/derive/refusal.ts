import type { DeriveRefusal } from './scope.ts'

/** Ends the evaluation of an expression; never leaves `derive`. */
export class Refusal extends Error {
  readonly reason: DeriveRefusal

  constructor(reason: DeriveRefusal, message: string) {
    super(message)
    this.reason = reason
  }
}
