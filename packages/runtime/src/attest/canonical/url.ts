import { isVisible } from './plain-text.ts'

// Names with these ends are taken for addresses without a scheme; `readme.md` and `notes.py` are files.
const BARE = /^(?:www\.)?(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|info|biz)(?::\d+)?(?:[/?#].*)?$/i
const WWW = /^www\.(?:[\p{L}\p{M}\p{N}-]+\.)+\p{L}{2,}(?::\d+)?(?:[/?#].*)?$/iu
const AUTHORITY = /^(https?):\/\/([^/?#]*)(.*)$/i

export interface Url {
  readonly key: string
  /** False where the scheme was left out; `https` is then meant. */
  readonly scheme: boolean
}

/**
 * An http, https or mailto URL: scheme, host (in ASCII) and port by the URL standard; path, query and fragment
 * exactly as written, but for an empty path. Undefined with user information, backslashes, white space,
 * invisible characters or a host that compatibility normalisation would change.
 */
export function readUrl(text: string): Url | undefined {
  if (text.length > 8192 || /[\s\\]/u.test(text) || !isVisible(text)) return undefined
  if (/^mailto:[^/]/i.test(text)) return { key: `mailto:${text.slice(7).normalize('NFC')}`, scheme: true }
  const scheme = /^https?:\/\//i.test(text)
  if (!scheme && !BARE.test(text) && !WWW.test(text)) return undefined
  const whole = scheme ? text : `https://${text}`
  const [, , authority = '', rest = ''] = AUTHORITY.exec(whole) ?? []
  // A percent sign can spell any character of a host, and two dots in a row none.
  if (authority === '' || /[@%]/.test(authority)) return undefined
  const composed = authority.normalize('NFC')
  if (composed.normalize('NFKC') !== composed) return undefined
  if (!URL.canParse(whole)) return undefined
  const { protocol, host, username, password } = new URL(whole)
  if (username !== '' || password !== '') return undefined
  const path = rest.startsWith('/') ? rest : `/${rest}`
  return { key: `${protocol}//${host}${path.normalize('NFC')}`, scheme }
}
