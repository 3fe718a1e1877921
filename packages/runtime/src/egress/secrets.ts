export interface Redacted {
  readonly text: string
  /** How many secrets were replaced. */
  readonly found: number
}

export const REDACTED = '[redacted]'

// Prefixes as their issuers publish them. Lengths are lower bounds, so that a longer form is caught whole; upper
// bounds keep each match, and so the whole scan, linear.
const TOKENS: readonly RegExp[] = [
  // OpenAI, Anthropic, Stripe, OpenRouter: sk-…, sk_live_…
  /(?<![A-Za-z0-9])sk-(?:[a-z0-9]{2,12}-){0,3}[A-Za-z0-9_-]{20,400}/g,
  /(?<![A-Za-z0-9])(?:sk|rk|pk|whsec)_(?:live|test)_[A-Za-z0-9]{16,250}/g,
  /(?<![A-Za-z0-9])whsec_[A-Za-z0-9+/=]{20,250}/g,
  // GitHub, GitLab
  /(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{30,255}/g,
  /(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{40,255}/g,
  /(?<![A-Za-z0-9])gl(?:pat|dt|rt|ptt|soat|agent|cbt|ft)-[A-Za-z0-9_.-]{20,300}/g,
  // Slack
  /(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,255}/g,
  /(?<![A-Za-z0-9])xapp-\d-[A-Za-z0-9-]{10,255}/g,
  /hooks\.slack\.com\/services\/T[A-Za-z0-9_]{6,20}\/B[A-Za-z0-9_]{6,20}\/[A-Za-z0-9]{16,64}/g,
  // AWS, Google, Azure
  /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])/g,
  /(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}/g,
  /(?<![A-Za-z0-9])ya29\.[A-Za-z0-9_-]{20,1000}/g,
  /(?<![A-Za-z0-9])GOCSPX-[A-Za-z0-9_-]{20,60}/g,
  /\bAccountKey=[A-Za-z0-9+/]{40,100}={0,2}/g,
  // npm, PyPI, Hugging Face, SendGrid, DigitalOcean, Databricks, Shopify, Linear, Postman
  /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36,64}/g,
  /(?<![A-Za-z0-9])pypi-AgE[A-Za-z0-9_-]{50,1000}/g,
  /(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30,64}/g,
  /(?<![A-Za-z0-9])SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}/g,
  /(?<![A-Za-z0-9])do[opr]_v1_[a-f0-9]{64}/g,
  /(?<![A-Za-z0-9])dapi[a-f0-9]{32}(?![A-Za-z0-9])/g,
  /(?<![A-Za-z0-9])shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}/g,
  /(?<![A-Za-z0-9])lin_api_[A-Za-z0-9]{30,64}/g,
  /(?<![A-Za-z0-9])PMAK-[a-f0-9]{24}-[a-f0-9]{34}/g,
  // JWT (RFC 7519): the header of every one is a JSON object, so it begins with `{"` in base64url.
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,16000}\.[A-Za-z0-9_-]{0,4000}/g,
]

// RFC 6750 §2.1, RFC 7617 §2: credentials in a header. A scheme followed by an ordinary word is prose.
const HEADER =
  /\b(?<name>(?:proxy-)?authorization\s{0,4}[:=]\s{0,4}["']?(?:bearer|basic|token|dpop)\s{1,4}|bearer\s{1,4})(?<value>[A-Za-z0-9._~+/=-]{12,4096})/gi
const ASSIGNED =
  /(?<name>(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,30}[_.-]){0,4}(?:secret|passw(?:or)?d|passphrase|pwd|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret|auth[_-]?token|access[_-]?token|refresh[_-]?token|secret[_-]?key|token)["']?\s{0,4}(?::=|=>|[:=])\s{0,4})(?<value>"[^"\n]{6,500}"|'[^'\n]{6,500}'|[^\s"',;<>`)\]}]{8,500})/gi
const USERINFO = /(?<name>[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@?#]{0,100}:)(?<value>[^\s/@?#]{3,200})(?=@)/gi
const KEY_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g
const KEY_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g

// Every form above has a run of twelve characters at least, or names its value with one of these signs.
const MAY_HOLD = /[:=]|\S{12}/

/**
 * The text with credentials replaced by `[redacted]`: tokens with published prefixes, JWTs, private keys in PEM,
 * authorization headers, passwords in URLs, and assignments (`password=…`) whose value looks random.
 *
 * It keeps what only looks like one: UUIDs, git and other hexadecimal digests on their own, certificates and public
 * keys, `password:` followed by a word. It is a net for accidents, not a wall: a secret that the model re-encodes
 * passes, and what stops it is who may read the answer. Linear in the length of the text.
 */
export function redactSecrets(text: string): Redacted {
  if (!MAY_HOLD.test(text)) return { text, found: 0 }
  const keys = privateKeys(text)
  let { text: now, found } = keys
  for (const pattern of TOKENS) {
    now = now.replaceAll(pattern, () => {
      found += 1
      return REDACTED
    })
  }
  const value =
    (likely: (value: string) => boolean) =>
    (...match: unknown[]): string => {
      const { name = '', value: secret = '' } = match.at(-1) as { name?: string; value?: string }
      const bare = secret.replaceAll(/^["']|["']$/g, '')
      if (bare.includes(REDACTED) || !likely(bare)) return `${name}${secret}`
      found += 1
      const quote = /^["']/.exec(secret)?.[0] ?? ''
      return `${name}${quote}${REDACTED}${quote}`
    }
  now = now.replaceAll(HEADER, value(credential))
  now = now.replaceAll(ASSIGNED, value(random))
  now = now.replaceAll(
    USERINFO,
    value((secret) => !/^(?:x+|\*+|password|secret|\$\{.*\}|<.*>)$/i.test(secret)),
  )
  return { text: now, found }
}

/**
 * How much of a text can be redacted now, before the rest of it has come: a key, a header or an assignment that
 * is not complete must be seen whole.
 */
export function secretsSettled(text: string): number {
  const begin = text.lastIndexOf('-----BEGIN ')
  if (begin >= 0) {
    const open = text.slice(begin)
    const end = open.search(/-----END [^\n]{0,60}-----/)
    if (end < 0 && /^-----BEGIN (?:[A-Z0-9 ]{0,40}PRIVATE KEY|[A-Z0-9 ]{0,60}$)/.test(open)) return begin
  }
  const ending = text.lastIndexOf('-----END')
  if (ending >= 0 && text.length - ending < 80 && !text.slice(ending + 8).includes('-----')) return ending
  const tail = text.slice(-300)
  const unfinished =
    /(?:\b(?:(?:proxy-)?authorization\s{0,4}[:=]?\s{0,4}["']?)?(?:bearer|basic|token|dpop)|\bauthorization\s{0,4}[:=]|(?:secret|passw(?:or)?d|passphrase|pwd|key|token)["']?(?:\s{0,4}(?::=?|=>?)(?:\s{0,4}["'][^"'\n]{0,200})?)?)\s{0,4}$/i.exec(
      tail,
    )
  return unfinished === null ? text.length : text.length - tail.length + unfinished.index
}

/** Whether a text ends inside a private key, whose lines are still to come. */
export function endsInPrivateKey(text: string): boolean {
  return text.includes('-----') && lastIndex(text, KEY_BEGIN) > lastIndex(text, KEY_END)
}

/** What is left of a text that begins inside a private key, and whether the key has ended. */
export function afterPrivateKey(text: string): { readonly rest: string; readonly ended: boolean } {
  KEY_END.lastIndex = 0
  const end = KEY_END.exec(text)
  if (end !== null) return { rest: text.slice(end.index + end[0].length), ended: true }
  const prose = text.search(/[^A-Za-z0-9+/=\s\\-]/)
  return prose < 0 ? { rest: '', ended: false } : { rest: text.slice(prose), ended: true }
}

function lastIndex(text: string, pattern: RegExp): number {
  let last = -1
  for (const match of text.matchAll(pattern)) last = match.index
  return last
}

function privateKeys(text: string): Redacted {
  if (!text.includes('-----BEGIN ')) return { text, found: 0 }
  const parts: string[] = []
  let found = 0
  let done = 0
  for (const begin of text.matchAll(KEY_BEGIN)) {
    if (begin.index < done) continue
    const body = begin.index + begin[0].length
    KEY_END.lastIndex = body
    const end = KEY_END.exec(text)
    parts.push(text.slice(done, begin.index), REDACTED)
    found += 1
    // A key that is cut off takes the rest with it: half a key is still a secret.
    done = end === null ? text.length : end.index + end[0].length
  }
  return { text: parts.join('') + text.slice(done), found }
}

// A header's credential has digits, or is long; `bearer authentication` is prose.
function credential(value: string): boolean {
  return /\d/.test(value) || value.length >= 32
}

// Shannon entropy over the value's own characters, in bits a character. Words have few kinds of character and
// repeat letters; keys mix kinds.
function random(value: string): boolean {
  if (/^(?:\$|<|\{|%|process\.|env\.|os\.|https?:)/i.test(value) || /\s/.test(value)) return false
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(value)).length
  if (value.length >= 20 && kinds >= 2 && /\d/.test(value)) return entropy(value) >= 3
  return kinds >= 3 && /\d/.test(value) && entropy(value) >= 2.5
}

function entropy(value: string): number {
  const counts = new Map<string, number>()
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length)
  return bits
}
