import { withoutEntities } from './shadow.ts'

const BASE = 'https://relative.invalid'

/** Scheme and authority of an href as a browser reads it (WHATWG URL); empty for one relative to the page. */
export function authority(href: string): string {
  const url = parsed(href)
  if (url === undefined) return 'unparseable:'
  return url.origin === BASE ? '' : `${url.protocol}//${url.host}`
}

/** Whether an href names a host of its own, rather than a path of the page or an opaque scheme. */
export function hasHost(href: string): boolean {
  return host(href) !== ''
}

/** The host that an href names, whatever its scheme; empty where it names none. */
export function host(href: string): string {
  const url = parsed(href)
  return url === undefined || url.origin === BASE ? '' : url.host
}

/** A `mailto:` that only opens an empty message to someone carries nothing. */
export function plainMail(href: string): boolean {
  const url = parsed(href)
  return url !== undefined && url.protocol === 'mailto:' && url.search === '' && url.hash === ''
}

/** The host of an href with its dots broken, or its scheme; never its path or query, which may carry data. */
export function brokenHost(href: string): string {
  const url = parsed(href) ?? parsed(`https:${href}`) ?? parsed(`https://${href}`)
  if (url === undefined || url.origin === BASE) return ''
  const name = url.host === '' ? url.protocol.slice(0, -1) : url.hostname
  return broken(name.slice(-80).replaceAll(/[^a-z0-9.:_-]/gi, ''))
}

/** Dots and colons in brackets, so that no renderer makes a link of the text. */
export function broken(text: string): string {
  return text.replaceAll(/[.:。．｡]/g, (found) => `[${found === ':' ? ':' : '.'}]`)
}

/**
 * What a destination as written may mean, the likeliest first. Only readings that lead to different places are
 * told apart: which of them a renderer takes is not ours to know.
 */
export function readings(written: string, options: { markdown: boolean }): string[] {
  const clean = written.replaceAll(/(?! )[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/gu, '').trim()
  const plain = withoutEntities(clean)
    .replaceAll(/(?! )[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/gu, '')
    .trim()
  const unescaped = options.markdown ? plain.replaceAll(/\\([!-/:-@[-`{-~])/g, '$1') : plain
  const out = new Map<string, string>()
  const add = (href: string): void => {
    const key = authority(href)
    if (href !== '' && !plainMail(href) && !out.has(key)) out.set(key, href)
  }
  add(unescaped)
  add(plain)
  // Undecoded, an absolute destination may be a mere path of the page; that is the lesser reading.
  if (authority(clean) !== '') add(clean)
  if (/^[^/?#]*%[2-7][0-9a-f]/i.test(plain)) add(percentDecoded(plain))
  return [...out.values()]
}

function percentDecoded(text: string): string {
  return text.replaceAll(/%[2-7][0-9a-f]/gi, (found) =>
    String.fromCharCode(Number.parseInt(found.slice(1), 16)),
  )
}

function parsed(href: string): URL | undefined {
  return URL.parse(href, BASE) ?? undefined
}
