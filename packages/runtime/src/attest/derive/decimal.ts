/**
 * An exact number: `digits / (10 ** scale * over)`.
 *
 * Amounts are added as integers, so that 12.1 + 0.2 is 12.3. `over` is 1 until a quotient is taken, and an
 * expression has at most one.
 */
export interface Decimal {
  readonly digits: bigint
  readonly scale: number
  readonly over: bigint
}

const PLAIN = /^(-?)(\d+)(?:\.(\d+))?$/

/** The decimal that a JSON number shows, or undefined for one that is written with an exponent (1e21, 1e-7). */
export function decimalOf(value: number): Decimal | undefined {
  const parts = PLAIN.exec(String(value))
  if (parts === null) return undefined
  const [, sign, whole = '', fraction = ''] = parts
  return { digits: BigInt(`${sign}${whole}${fraction}`), scale: fraction.length, over: 1n }
}

export const whole = (value: number): Decimal => ({ digits: BigInt(value), scale: 0, over: 1n })

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  const [x, y] = [raised(a.digits, scale - a.scale), raised(b.digits, scale - b.scale)]
  if (a.over === b.over) return { digits: x + y, scale, over: a.over }
  return { digits: x * b.over + y * a.over, scale, over: a.over * b.over }
}

export const negated = (a: Decimal): Decimal => ({ ...a, digits: -a.digits })

export function times(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale, over: a.over * b.over }
}

/** The exact quotient, or undefined by zero. */
export function dividedBy(a: Decimal, b: Decimal): Decimal | undefined {
  if (b.digits === 0n) return undefined
  const sign = b.digits < 0n ? -1n : 1n
  return { digits: sign * raised(a.digits * b.over, b.scale), scale: a.scale, over: sign * a.over * b.digits }
}

/** Negative, zero or positive, as `a` is below, equal to or above `b`. */
export function compared(a: Decimal, b: Decimal): number {
  const difference = plus(a, negated(b)).digits
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The nearest with this many decimal places; halves go away from zero, as on invoices. */
export function rounded(a: Decimal, places: number): Decimal {
  const above = raised(a.digits < 0n ? -a.digits : a.digits, places)
  const below = raised(a.over, a.scale)
  const digits = (2n * above + below) / (2n * below)
  return { digits: a.digits < 0n ? -digits : digits, scale: places, over: 1n }
}

/** The JSON number nearest to it. */
export function numberOf(a: Decimal): number {
  if (a.over === 1n) return Number(`${a.digits}e-${a.scale}`)
  const more = 60 // digits kept of a quotient: more than a double can tell apart
  return Number(`${raised(a.digits, more) / a.over}e-${a.scale + more}`)
}

function raised(digits: bigint, by: number): bigint {
  return by === 0 ? digits : digits * 10n ** BigInt(by)
}
