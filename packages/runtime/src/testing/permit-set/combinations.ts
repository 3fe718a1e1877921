import { ABSENT, type Option } from './slots.ts'

/** The first of every list, then each list varied alone, then all the rest, so that a bound cuts the least. */
export function combinations(
  options: readonly (readonly Option[])[],
  most: number,
): { list: Option[][]; complete: boolean } {
  if (options.some(({ length }) => length === 0)) return { list: [], complete: true }
  const first = options.map(([option]) => option as Option)
  const out = new Map<string, Option[]>([[first.map(optionKey).join('\u0000'), first]])
  const add = (chosen: Option[]): boolean => {
    const key = chosen.map(optionKey).join('\u0000')
    if (!out.has(key) && out.size >= most) return false
    out.set(key, chosen)
    return true
  }
  for (const base of [first, options.map((list) => list.at(-1) as Option)])
    for (const [index, list] of options.entries())
      for (const option of list)
        if (!add(base.with(index, option))) return { list: [...out.values()], complete: false }
  const total = options.reduce((product, { length }) => product * length, 1)
  for (let number = 0; number < total; number += 1) {
    let rest = number
    const chosen = options.map((list) => {
      const option = list[rest % list.length] as Option
      rest = Math.floor(rest / list.length)
      return option
    })
    if (!add(chosen)) return { list: [...out.values()], complete: false }
  }
  return { list: [...out.values()], complete: true }
}

/** The first of every list, with one of them replaced by each of its probes; probes where a list has nothing. */
export function variedByOne(
  options: readonly (readonly Option[])[],
  probes: readonly (readonly Option[])[],
): Option[][] {
  const base = options.map(([option], index) => option ?? probes[index]?.[0])
  if (base.includes(undefined)) return []
  return probes.flatMap((list, index) => list.map((probe) => (base as Option[]).with(index, probe)))
}

function optionKey(option: Option): string {
  return option === ABSENT ? 'absent' : JSON.stringify(option)
}
