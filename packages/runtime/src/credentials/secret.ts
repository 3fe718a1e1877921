import { inspect } from 'node:util'

const SHOWN = '[secret]'

/**
 * A text that nothing prints: JSON, string templates, `util.inspect` and loggers show `[secret]`, and a structured
 * clone (a message to a worker) arrives empty. Only `reveal()` gives it, and whoever calls that answers for it.
 */
export class Secret {
  readonly #value: string

  static {
    Object.defineProperty(this.prototype, inspect.custom, { value: () => SHOWN })
  }

  constructor(value: string) {
    if (typeof value !== 'string') throw new TypeError('Secret: expected a string.')
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return SHOWN
  }

  toJSON(): string {
    return SHOWN
  }

  [Symbol.toPrimitive](): string {
    return SHOWN
  }
}
