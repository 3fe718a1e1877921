import { ConfigError } from '../errors.ts'

interface Origin {
  readonly protocol: string
  readonly host: string
  readonly port: string
  /** Any name below `host`, and not `host` itself. */
  readonly below: boolean
}

// Names that only resolve inside a network (RFC 6761, RFC 6762, RFC 8375, and those common in practice).
const INTERNAL =
  /(?:^|\.)(?:localhost|local|internal|intranet|private|lan|corp|home|localdomain|home\.arpa|onion|invalid)$/

/**
 * A check whether an href leads to one of the listed origins: `https://docs.example`, `https://*.example` (every
 * name below it, not itself), a port where it is not the scheme's own, `http://…` only where listed so.
 *
 * Refused whatever the list says: user names in URLs, addresses in place of names (in any spelling), localhost and
 * internal names, a trailing dot, relative references, and every spelling of a host but the plain one. What a
 * public name resolves to is not looked at here: that has to be checked when connecting.
 *
 * @throws {ConfigError} If an entry is not an origin that could ever be allowed.
 */
export function destinations(allowlist: readonly string[]): (href: string) => boolean {
  const origins = allowlist.map(origin)
  return (href) => {
    const url = plainUrl(href)
    return url !== undefined && origins.some((one) => fits(one, url))
  }
}

const compiled = new WeakMap<readonly string[], (href: string) => boolean>()

/** Whether an href leads to one of the origins of an allowlist; see `destinations` for what that takes. */
export function originAllowed(href: string, allowlist: readonly string[]): boolean {
  let check = Object.isFrozen(allowlist) ? compiled.get(allowlist) : undefined
  if (check === undefined) {
    check = destinations(allowlist)
    if (Object.isFrozen(allowlist)) compiled.set(allowlist, check)
  }
  return check(href)
}

function origin(entry: string, index: number): Origin {
  const parts = /^(https?):\/\/(\*\.)?([^/*?#\s]+)$/i.exec(entry)
  const url = parts === null ? undefined : plainUrl(`${parts[1]}://${parts[3]}`)
  if (parts === null || url === undefined)
    throw new ConfigError(
      `allowlist.${index}`,
      entry,
      "an origin with a public name, as 'https://docs.example' or 'https://*.example'",
    )
  return { protocol: url.protocol, host: url.hostname, port: url.port, below: parts[2] !== undefined }
}

function fits({ protocol, host, port, below }: Origin, url: URL): boolean {
  if (url.protocol !== protocol || url.port !== port) return false
  return below ? url.hostname.endsWith(`.${host}`) : url.hostname === host
}

// A URL whose host is a public name spelt plainly, so that every parser reads the same one.
function plainUrl(href: string): URL | undefined {
  // Full stops of other scripts survive NFKC, and are dots to a browser all the same.
  if (/[\s\\。｡\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/u.test(href)) return undefined
  const written = /^https?:\/\/([^/?#]+)(?:[/?#]|$)/i.exec(href)?.[1]
  const url = URL.parse(href)
  if (written === undefined || url === null || /[@%]/.test(written)) return undefined
  if (url.username !== '' || url.password !== '') return undefined
  const name = written.replace(/:\d*$/, '').toLowerCase()
  // A name in other letters is compared in its ASCII form, but look-alikes that fold into it are refused.
  if (name !== url.hostname && (name.normalize('NFKC') !== name || /^\p{ASCII}*$/u.test(name)))
    return undefined
  return publicName(url.hostname) ? url : undefined
}

function publicName(host: string): boolean {
  const labels = host.split('.')
  // WHATWG URL has by now turned every numeric spelling into four decimal parts or brackets.
  if (host.includes(':') || /^\d+$/.test(labels.at(-1) ?? '')) return false
  return labels.every((label) => label !== '') && labels.length > 1 && !INTERNAL.test(host)
}
