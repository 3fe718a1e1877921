/** Numbers from 0 up to, not including, 1: the same for the same seed, so that every run measures the same text. */
export function seeded(seed: number): () => number {
  let state = seed
  // Mulberry32.
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const ONSETS = 'b c d f g h l m n p r s t v w br cl dr fl gr pl pr sh st th tr'.split(' ')
const NUCLEI = 'a e i o u ai ea ee ou'.split(' ')
const CODAS = ['', '', '', 'l', 'm', 'n', 'nd', 'nt', 'r', 's', 'st', 't']
const VOCABULARY = 8000
const WORDS = vocabulary(seeded(7))

/**
 * Prose of about `length` characters: sentences of 6 to 20 words out of 8,000, as often as Zipf's law has it, with
 * a number every 60 words or so, and an address or a date every 250.
 */
export function prose(length: number, random: () => number): string {
  let out = ''
  while (out.length < length) {
    const count = 6 + Math.floor(random() * 15)
    let sentence = ''
    for (let i = 0; i < count; i += 1) {
      const said = special(random) ?? WORDS[Math.floor(VOCABULARY ** random()) - 1] ?? 'the'
      sentence += i === 0 ? said[0]?.toUpperCase() + said.slice(1) : ` ${said}`
      if (i > 0 && i < count - 1 && random() < 0.06) sentence += ','
    }
    out += out === '' ? `${sentence}.` : ` ${sentence}.`
  }
  return out.slice(0, length)
}

/** Text of about `length` characters in which no word comes twice: the worst that an index can be given. */
export function uniqueWords(length: number, random: () => number): string {
  let out = ''
  for (let i = 0; out.length < length; i += 1)
    out += `${syllables(1 + Math.floor(random() * 2), random)}${letters(i)} `
  return out.slice(0, length)
}

/** A number in letters, so that it is a word. */
function letters(number: number): string {
  let out = ''
  for (let rest = number; rest > 0; rest = Math.floor(rest / 26)) out += String.fromCharCode(97 + (rest % 26))
  return out
}

function special(random: () => number): string | undefined {
  const draw = random()
  if (draw < 1 / 60) return String(Math.floor(random() * 5000))
  if (draw < 1 / 60 + 1 / 500) return `${syllables(2, random)}@${syllables(2, random)}.example`
  if (draw < 1 / 60 + 2 / 500) return `${1 + Math.floor(random() * 28)} May 2026`
  return undefined
}

function syllables(count: number, random: () => number): string {
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? ''
  let out = ''
  for (let i = 0; i < count; i += 1) out += pick(ONSETS) + pick(NUCLEI) + pick(CODAS)
  return out
}

function vocabulary(random: () => number): string[] {
  return Array.from({ length: VOCABULARY }, (_, rank) => syllables(rank < 100 ? 1 : 2, random))
}
