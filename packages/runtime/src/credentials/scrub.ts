import { inspect } from 'node:util'
import type { Json } from '../json/plain.ts'
import { type Place, placeText } from '../json/path.ts'

export const SCRUBBED = '[secret]'

/** Takes certain values out of what is shown: as they are, and in the spellings that programs write them in. */
export interface Scrub {
  text(text: string): { readonly text: string; readonly found: boolean }
  /** Plain JSON without them, in keys as well as values, and where they were. */
  json(value: Json): { readonly value: Json; readonly places: readonly string[] }
  /** The same error, or one that says the same without them where they stand anywhere in it. */
  error(error: unknown): { readonly error: unknown; readonly found: boolean }
}

const SHORTEST = 6
const ALL = {
  depth: Infinity,
  showHidden: true,
  getters: true,
  maxStringLength: null,
  maxArrayLength: null,
} as const

/**
 * Scrub these values. Found are the value itself, percent-encoded, escaped as JSON or HTML, in hexadecimal, and in
 * base64 wherever it stands in what was encoded (`user:KEY` for Basic authentication is). A tool that means to hide a
 * value can: by taking it apart, or by any other encoding. What stops that is who wrote the tool.
 */
export function createScrub(values: Iterable<string>): Scrub {
  const spellings = [...new Set([...values].flatMap(spellingsOf))].toSorted((a, b) => b.length - a.length)

  const text: Scrub['text'] = (given) => {
    let out = given
    for (const spelling of spellings) if (out.includes(spelling)) out = out.replaceAll(spelling, SCRUBBED)
    return { text: out, found: out !== given }
  }
  const holds = (given: string): boolean => spellings.some((spelling) => given.includes(spelling))

  function walk(value: Json, place: Place, places: string[]): Json {
    if (typeof value === 'string') {
      const scrubbed = text(value)
      if (scrubbed.found) places.push(placeText(place))
      return scrubbed.text
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value))
      return value.map((item: Json, index) => walk(item, [...place, String(index)], places))
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const name = text(key)
        if (name.found) places.push(placeText(place))
        return [name.text, walk(item as Json, [...place, name.text], places)]
      }),
    )
  }

  return {
    text,
    json(value) {
      // Most results hold none, and are handed on as they are.
      if (!holds(JSON.stringify(value)) && !holdsInside(value, holds)) return { value, places: [] }
      const places: string[] = []
      const scrubbed = frozen(walk(value, [], places))
      return { value: scrubbed, places }
    },
    error(error) {
      if (spellings.length === 0 || !writtenWith(error, holds)) return { error, found: false }
      const { name, message } = describe(error)
      const scrubbed = new Error(text(message).text)
      scrubbed.name = text(name).text
      return { error: scrubbed, found: true }
    },
  }
}

/** Whether any way in which a logger writes an error down would show what it may not. */
function writtenWith(error: unknown, holds: (text: string) => boolean): boolean {
  try {
    const { name, message } = describe(error)
    if (holds(`${String(error)} ${name} ${message}`) || holds(inspect(error, ALL))) return true
  } catch {
    // What cannot be looked through may hold anything.
    return true
  }
  try {
    return holds(JSON.stringify(error) ?? '')
  } catch {
    // A cycle has no JSON.
    return false
  }
}

function describe(error: unknown): { name: string; message: string } {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  return { name: String(error.name), message: String(error.message) }
}

// JSON.stringify writes escapes that a value of its own does not have.
function holdsInside(value: Json, holds: (text: string) => boolean): boolean {
  if (typeof value === 'string') return holds(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, item]) => holds(key) || holdsInside(item as Json, holds))
}

function frozen(value: Json): Json {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach((item) => frozen(item as Json))
    Object.freeze(value)
  }
  return value
}

function spellingsOf(value: string): string[] {
  if (value.length < SHORTEST) return []
  const hex = Buffer.from(value).toString('hex')
  const percent = encodeURIComponent(value)
  const json = JSON.stringify(value).slice(1, -1)
  return [
    value,
    percent,
    percent.toLowerCase() === value.toLowerCase()
      ? percent
      : percent.replaceAll(/%[0-9A-F]{2}/g, (one) => one.toLowerCase()),
    json,
    json.replaceAll('/', String.raw`\/`),
    value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    hex,
    hex.toUpperCase(),
    ...inBase64(value),
    ...(json === value ? [] : inBase64(json)),
  ]
}

// Three bytes make four characters: a value has three spellings, by where it begins, and its ends mix with what
// stands around it.
function inBase64(value: string): string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '')
    const start = before === 0 ? 0 : before + 1
    const whole = Math.floor(((before + bytes.length) * 8) / 6)
    const middle = encoded.slice(start, whole)
    if (middle.length < SHORTEST) return []
    return [middle, middle.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
