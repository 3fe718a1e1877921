import { type Bare, bareUrls } from './bare.ts'
import type { Construct, Link, Region, Scanned } from './construct.ts'
import { authority, host } from './href.ts'
import { markdown } from './markdown.ts'
import { markup } from './markup.ts'
import { decoded, type Shadow, visible } from './shadow.ts'

export type { Link, LinkForm } from './construct.ts'

/** A link with what it takes to unmake it, in offsets of the text as given. */
export type Found = Construct | (Link & { readonly bare: Bare['kind'] })

/**
 * Every way a link or remote image can stand in text that some renderer shows: Markdown (inline, reference,
 * autolink), HTML in any tag or attribute, style sheets, and bare URLs, also those hidden by invisible characters,
 * entities, percent-encoding or look-alike punctuation.
 *
 * It errs on the side of finding: code is not told from prose, comments hide nothing, and a destination that two
 * renderers read differently is reported once for each reading. E-mail addresses are not links, nor is a `mailto:`
 * that carries nothing but an address. Links are in order of their start, and may nest. Takes time linear in the
 * length of the text.
 */
export function linksIn(text: string): readonly Link[] {
  return foundIn(text).map(({ href, start, end, image, form }) => ({ href, start, end, image, form }))
}

// Anything but words, figures, and points and colons that nothing follows: without it no reading holds a scheme, a
// host, a tag or a bracket.
const MAY_LINK = /[^\w \t\n,;!?'"*+$.:-]|\.[^.\d \t\n]|\.\d+(?![\d ,;!?\t\n]|\.?(?:[ \t\n]|$))|:[^ \t\n]/
// What markup of any kind is made of.
const MAY_MARK = /[^\w \t\n,;'".:/-]/

/** As `linksIn`, with the means to unmake each. */
export function foundIn(text: string): Found[] {
  // Most texts hold no link, and every argument that carries content is asked about.
  if (!MAY_LINK.test(text)) return []
  const constructs = structure(text).constructs
  const bare = bareIn(text, constructs)
  return [...constructs, ...bare].toSorted((a, b) => a.start - b.start || b.end - a.end)
}

/** The links that markup makes and the stretches that markup takes up; `midLine` where the text begins inside a line. */
export function structure(text: string, { midLine = false }: { midLine?: boolean } = {}): Scanned {
  if (!MAY_MARK.test(text)) return { constructs: [], regions: [] }
  const seen = visible(text)
  const tags = markup(seen.text)
  const marks = markdown(seen.text, midLine)
  const constructs = [...tags.constructs, ...marks.constructs]
  const regions = [...tags.regions, ...marks.regions]
  if (seen.text === text) return { constructs, regions }
  return {
    constructs: constructs.map((one) => moved(one, seen)),
    regions: regions.map((one) => movedRegion(one, seen)),
  }
}

function moved(construct: Construct, { at }: Shadow): Construct {
  const span = <T extends { readonly start: number; readonly end: number }>(of: T): T => ({
    ...of,
    start: at(of.start),
    end: at(of.end),
  })
  const { lead, tail } = construct
  return {
    ...span(construct),
    dest: span(construct.dest),
    ...(lead === undefined ? {} : { lead: span(lead) }),
    ...(tail === undefined ? {} : { tail: span(tail) }),
    snap: span(construct.snap),
  }
}

function movedRegion(region: Region, { at }: Shadow): Region {
  const { snap } = region
  return {
    ...region,
    start: at(region.start),
    end: at(region.end),
    ...(snap === undefined ? {} : { snap: { ...snap, start: at(snap.start), end: at(snap.end) } }),
  }
}

function bareIn(text: string, constructs: readonly Construct[]): Found[] {
  const plain = bareUrls(text)
  const reading = decoded(text)
  const hidden =
    reading.text === text
      ? []
      : bareUrls(reading.text).map((one) => ({
          ...one,
          start: reading.at(one.start),
          end: reading.at(one.end),
        }))
  const fresh = hidden.filter(not(covers(plain, (mine, other) => mine.start >= other.start)))
  const bare = plain.filter(
    not(covers(fresh, (mine, other) => mine.start > other.start && mine.end <= other.end)),
  )
  const taken = new Set(constructs.map(({ dest, href }) => `${dest.start} ${authority(href)}`))
  const hrefs = new Set(constructs.map(({ href }) => href))
  const inside = within(constructs.map(({ dest }) => dest))
  const known = (one: Bare): boolean =>
    taken.has(`${one.start} ${authority(one.href)}`) || (hrefs.has(one.href) && inside(one.start))
  return [...bare, ...fresh].flatMap((one) =>
    known(one)
      ? []
      : [
          {
            href: one.href,
            start: one.start,
            end: one.end,
            image: false,
            form: 'bare' as const,
            bare: one.kind,
          },
        ],
  )
}

// Whether one of `others` overlaps a URL as `relation` says and leads to the same host: two readings of one link.
function covers(
  others: readonly Bare[],
  relation: (mine: Bare, other: Bare) => boolean,
): (mine: Bare) => boolean {
  let next = 0
  return (mine) => {
    while (next < others.length && (others[next] as Bare).end <= mine.start) next += 1
    const other = others[next]
    return (
      other !== undefined &&
      other.start < mine.end &&
      relation(mine, other) &&
      host(other.href) === host(mine.href)
    )
  }
}

function not(test: (one: Bare) => boolean): (one: Bare) => boolean {
  return (one) => !test(one)
}

function within(spans: readonly { readonly start: number; readonly end: number }[]): (at: number) => boolean {
  const sorted = spans.toSorted((a, b) => a.start - b.start)
  const ends: number[] = []
  let furthest = 0
  for (const span of sorted) ends.push((furthest = Math.max(furthest, span.end)))
  return (at) => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sorted[middle] as { start: number }).start <= at) low = middle + 1
      else high = middle
    }
    return low > 0 && (ends[low - 1] as number) > at
  }
}
