import type { Edit, Link } from './construct.ts'
import { flat } from './flat.ts'
import { broken, brokenHost, hasHost } from './href.ts'
import { type Found, foundIn } from './links.ts'

export interface Inert {
  readonly text: string
  readonly removed: readonly Link[]
}

// Unmaking one link may show another that it hid. Rounds are few, so that the time stays linear.
const MOST_ROUNDS = 6

/**
 * The text with every link and remote image that is not allowed shown as inert text.
 *
 * What stays is the words and the host with its dots broken (`[link removed: evil[.]example]`), never a path or
 * query, which may carry data out. Markup that names no host is broken by its smallest part: `[a](b)` becomes
 * `[a] (b)`. Afterwards `linksIn` finds only allowed links; text that resists is reduced to its letters and digits.
 */
export function inert(text: string, allowed: (href: string) => boolean): Inert {
  return unmade(text, allowed, shown)
}

/** As `inert`, for text that goes to a tool: what is not allowed is taken out, and the words of a link stay. */
export function stripLinks(text: string, allowed: (href: string) => boolean): Inert {
  return unmade(text, allowed, stripped)
}

function unmade(
  text: string,
  allowed: (href: string) => boolean,
  edits: (found: Found, text: string) => Edit[],
): Inert {
  const removed: Link[] = []
  let now = text
  for (let round = 0; round <= MOST_ROUNDS; round += 1) {
    const refused = foundIn(now).filter(({ href }) => !allowed(href))
    if (refused.length === 0) return { text: now, removed }
    if (round === 0)
      for (const { href, start, end, image, form } of refused) removed.push({ href, start, end, image, form })
    const before = now
    now =
      round === MOST_ROUNDS
        ? flat(now)
        : apply(
            now,
            refused.flatMap((found) => edits(found, before)),
          )
  }
  return { text: foundIn(now).every(({ href }) => allowed(href)) ? now : '', removed }
}

function apply(text: string, edits: readonly Edit[]): string {
  const parts: string[] = []
  let done = 0
  for (const edit of edits.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    // An edit inside one already made is looked for again in the next round.
    if (edit.start < done) continue
    parts.push(text.slice(done, edit.start), edit.text)
    done = edit.end
  }
  parts.push(text.slice(done))
  return parts.join('')
}

function shown(found: Found, text: string): Edit[] {
  if ('bare' in found) return [{ start: found.start, end: found.end, text: bareText(found, text) }]
  const { lead, tail, snap } = found
  if (
    tail === undefined ||
    !(hasHost(found.href) || (found.form === 'markdown' && /^[a-z][a-z0-9+.-]*:/i.test(found.href)))
  )
    return [snap]
  const mark = marker(found)
  if (lead === undefined) return [{ ...tail, text: mark }]
  return [
    { ...lead, text: '' },
    { ...tail, text: ` ${mark}` },
  ]
}

function bareText(found: Found & { readonly bare: string }, text: string): string {
  const written = text.slice(found.start, found.end)
  if (found.bare === 'host') return broken(written)
  if (found.bare === 'guess') return written.replace(/^[^/?#]*/, broken)
  return marker(found)
}

function marker({ href, image }: Link): string {
  const name = brokenHost(href)
  return `[${image ? 'image' : 'link'} removed${name === '' ? '' : `: ${name}`}]`
}

function stripped(found: Found): Edit[] {
  if ('bare' in found) return [{ start: found.start, end: found.end, text: '' }]
  const { lead, tail, snap } = found
  if (tail === undefined) return [snap]
  return [...(lead === undefined ? [] : [{ ...lead, text: '' }]), { ...tail, text: '' }]
}
