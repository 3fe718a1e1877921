import { Tokenizer } from 'htmlparser2'
import type { Construct, Edit, Region, Scanned } from './construct.ts'
import { DEAF } from './deaf.ts'
import { readings } from './href.ts'

const URL_ATTRIBUTES: ReadonlySet<string> = new Set(
  (
    'href src srcset imagesrcset action formaction poster background cite data ping longdesc manifest usemap lowsrc ' +
    'dynsrc profile classid codebase archive icon'
  ).split(' '),
)
// Tags that run, frame or restyle something whatever their attributes say.
const ACTIVE: ReadonlySet<string> = new Set(
  'script style iframe frame object embed applet portal animate animatemotion animatetransform set'.split(
    ' ',
  ),
)
const CLICKED: ReadonlySet<string> = new Set(['a', 'area', 'form', 'button'])
const AUTOLINK = /^[a-z][a-z0-9+.-]{1,31}:[^\s]*$/i

/**
 * Links that HTML tags and `<…>` make.
 *
 * Every `<` that may open a tag is read to the next angle bracket as a list of attributes, whether or not a
 * comment, a quotation or another tag would swallow it: renderers differ in that, so nothing hides anything. A tag
 * with an unclosed quotation is reported as it stands. Linear: the pieces do not overlap.
 */
export function markup(text: string): Scanned {
  const constructs: Construct[] = []
  const regions: Region[] = []
  let open = -1
  for (let at = angle(text, 0); at < text.length; at = angle(text, at + 1)) {
    if (text[at] === '>') {
      if (open >= 0) regions.push({ start: open, end: at + 1, open: false })
      open = -1
      continue
    }
    if (open < 0 && !/[a-z/!?]/i.test(text[at + 1] ?? ' ')) continue
    if (open < 0) open = at
    piece(text, at, angle(text, at + 1), constructs)
  }
  if (open >= 0) regions.push({ start: open, end: text.length, open: true, snap: blunt(open) })
  return { constructs, regions }
}

function angle(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 60 || code === 62) return at
  }
  return text.length
}

function blunt(at: number): Edit {
  return { start: at, end: at + 1, text: '‹' }
}

function piece(text: string, start: number, end: number, out: Construct[]): void {
  const inside = text.slice(start + 1, end)
  const closed = text[end] === '>'
  const whole = { start, end: closed ? end + 1 : end }
  const add = (href: string, image: boolean, from: number): void => {
    out.push({
      href,
      ...whole,
      image,
      form: 'html',
      dest: { start: from, end: whole.end },
      ...(closed ? { tail: whole } : {}),
      snap: blunt(start),
    })
  }
  if (closed && AUTOLINK.test(inside)) {
    for (const href of readings(inside, { markdown: false }))
      out.push({
        href,
        ...whole,
        image: false,
        form: 'markdown',
        dest: { start: start + 1, end },
        tail: whole,
        snap: blunt(start),
      })
    return
  }
  const name = /^[/!?]?[^\s/]*/.exec(inside)?.[0] ?? ''
  const tag = name.toLowerCase()
  const before = out.length
  if (inside.includes('=')) {
    const { attributes, complete } = attributesOf(inside.slice(name.length), start + 1 + name.length)
    for (const attribute of attributes) {
      for (const { href, image } of destinations(tag, attribute)) add(href, image, attribute.at)
    }
    if (!complete && out.length === before) add('about:invalid', false, start)
  }
  if (ACTIVE.has(tag) && out.length === before)
    add(tag === 'style' ? 'data:text/css' : 'javascript:', true, start)
}

interface Attribute {
  readonly name: string
  readonly value: string
  /** Where the value starts. */
  readonly at: number
}

function attributesOf(written: string, offset: number): { attributes: Attribute[]; complete: boolean } {
  const attributes: Attribute[] = []
  const prefix = '<x '
  const source = `${prefix}${written}>`
  let name = ''
  let value = ''
  let at = -1
  let complete = false
  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      ...DEAF,
      onattribname(start, end) {
        name = source.slice(start, end).toLowerCase()
        value = ''
        at = -1
      },
      onattribdata(start, end) {
        if (at < 0) at = offset + start - prefix.length
        value += source.slice(start, end)
      },
      onattribentity(codePoint) {
        value += String.fromCodePoint(codePoint)
      },
      onattribend() {
        attributes.push({ name, value, at: at < 0 ? offset : at })
      },
      onopentagend() {
        complete = true
      },
      onselfclosingtag() {
        complete = true
      },
    },
  )
  tokenizer.write(source)
  tokenizer.end()
  return { attributes, complete }
}

function destinations(tag: string, { name, value }: Attribute): { href: string; image: boolean }[] {
  const image = !CLICKED.has(tag)
  const read = (written: string): { href: string; image: boolean }[] =>
    readings(written, { markdown: false }).map((href) => ({ href, image }))
  if (/^on[a-z]{3,}$/.test(name) || name === 'srcdoc') return [{ href: 'javascript:', image: true }]
  if (name === 'srcset' || name === 'imagesrcset')
    return value
      .split(/[\s,]+/)
      .filter((part) => !/^(?:[\d.]+[wxh])?$/.test(part))
      .flatMap(read)
  if (name === 'style') return styles(value)
  if (name === 'content' && tag === 'meta') {
    const url = /url\s*=\s*['"]?([^'"]*)/i.exec(value)?.[1]
    return url === undefined ? absolute(value).flatMap(read) : read(url)
  }
  if (URL_ATTRIBUTES.has(name) || name.endsWith(':href')) return read(value)
  return absolute(value).flatMap(read)
}

function styles(value: string): { href: string; image: boolean }[] {
  // CSS has escapes of its own (`u\72l(`), and functions that fetch without `url`.
  if (!/[\\@]|url|image|src|expression|binding|behavior/i.test(value)) return []
  const urls = [...value.matchAll(/url\(\s*['"]?([^'"()\s]+)/gi)].map((match) => match[1] as string)
  const hrefs = value.includes('\\') || urls.length === 0 ? [...urls, 'data:text/css'] : urls
  return hrefs.flatMap((url) => readings(url, { markdown: false }).map((href) => ({ href, image: true })))
}

function absolute(value: string): string[] {
  return /^\s*(?:(?:[a-z][a-z0-9+.-]*:)?[\\/]{2}|(?:javascript|vbscript|data):)/i.test(value) ? [value] : []
}
