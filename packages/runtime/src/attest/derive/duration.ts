export type Unit = 'minute' | 'hour' | 'day'

const WORDS: ReadonlyMap<number, string> = new Map(
  Object.entries({
    one: 1,
    two: 2,
    three: 3,
    four: 4,
    five: 5,
    six: 6,
    seven: 7,
    eight: 8,
    nine: 9,
    ten: 10,
    eleven: 11,
    twelve: 12,
    fifteen: 15,
    twenty: 20,
    thirty: 30,
    sixty: 60,
    ninety: 90,
  }).map(([word, number]) => [number, word]),
)

/**
 * The ways in which a person writes a length of time in English, the plain number first: `2`, `2-hour`,
 * `two hours`; `an hour`, `half an hour`, `a week`.
 */
export function writtenDurations(amount: number, unit: Unit): readonly (string | number)[] {
  const count = Math.abs(amount)
  const forms: (string | number)[] = [amount, ...inUnits(count, unit)]
  if (unit === 'minute' && count === 30) forms.push('half an hour', 'half-hour', 'half hour')
  if (unit === 'day' && count > 0 && count % 7 === 0) forms.push(...inUnits(count / 7, 'week'))
  return forms
}

function inUnits(count: number, unit: Unit | 'week'): string[] {
  const article = count === 1 ? [`${unit === 'hour' ? 'an' : 'a'} ${unit}`] : []
  const word = WORDS.get(count)
  const plural = count === 1 ? unit : `${unit}s`
  const written = [String(count), ...(word === undefined ? [] : [word])]
  return [...article, ...written.flatMap((number) => [`${number} ${plural}`, `${number}-${unit}`])]
}
