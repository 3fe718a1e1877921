// The forms that common issuers document for their credentials, and of the formats that carry one.
const FORMS = [
  // JSON web tokens: two base64url JSON objects (RFC 7515 §3.1).
  String.raw`\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)*`,
  String.raw`-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)`,
  // HTTP credentials (RFC 9110 §11.4), and the user part of a URL with a password in it (RFC 3986 §3.2.1).
  String.raw`\b(?i:Bearer|Basic|DPoP)\s+[\w.~+/-]{12,}=*`,
  String.raw`(?<=://)[^\s/:@]+:[^\s/@]+(?=@)`,
  String.raw`\b(?:sk|pk|rk)[-_][\w-]{16,}`,
  String.raw`\bgh[oprsu]_\w{20,}`,
  String.raw`\bgithub_pat_\w{20,}`,
  String.raw`\bglpat-[\w-]{16,}`,
  String.raw`\bxox[abeoprs]-[\w-]{10,}`,
  String.raw`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`,
  String.raw`\bAIza[\w-]{30,}`,
  String.raw`\bnpm_\w{30,}`,
  String.raw`\bhf_\w{30,}`,
  // A name and its value in running text: password=hunter2, "api_key": "…".
  String.raw`(?<=\b(?i:password|passwd|passphrase|secret|api[-_ ]?key|access[-_ ]?token)["']?\s*[:=]\s*["']?)[^\s"',;&]{4,}`,
]

const ANY_FORM = new RegExp(FORMS.join('|'))
const EVERY_FORM = new RegExp(FORMS.join('|'), 'g')
// Every form above holds one of these, and they are found four times as fast: it runs on every decision.
const TRACE = /[-_:=]|eyJ|A(?:KIA|SIA|Iza)|[Bb][Ee][Aa][Rr]|[Bb][Aa][Ss][Ii]|[Dd][Pp][Oo]/
const CARD = /(?<![\d.])[3-6]\d(?:[ -]?\d){11,17}(?![\d.])/
const EVERY_CARD = new RegExp(CARD.source, 'g')

const NAME =
  /^(?:.*[-_.])?(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|cookie|authorization|otp|cvv|cvc|pin)$|api[-_]?key|(?:private|secret|access|signing)[-_]?key|(?:access|refresh|id|auth|session|bearer)[-_]?token|[a-z](?:Password|Secret|Token|Credentials?|Cookie)$|client[-_]?secret/i
const NAMES_KEPT = 1000
const names = new Map<string, boolean>()

/** Whether a property of this name holds a secret. */
export function isSecretName(name: string): boolean {
  const known = names.get(name)
  if (known !== undefined) return known
  const answer = NAME.test(name)
  // Names recur with the tools, but a free-form object may bring new ones for ever.
  if (names.size < NAMES_KEPT) names.set(name, answer)
  return answer
}

/** Whether a text holds something in the form of a credential or of a payment card's number. */
export function holdsSecret(text: string): boolean {
  if (text.length < 8) return false
  if (TRACE.test(text) && ANY_FORM.test(text)) return true
  return CARD.test(text) && text.replace(EVERY_CARD, cardOut) !== text
}

/** The text with every such thing cut out. */
export function withoutSecrets(text: string): string {
  if (!holdsSecret(text)) return text
  return text.replace(EVERY_FORM, '[secret]').replace(EVERY_CARD, cardOut)
}

// ISO/IEC 7812-1 annex B: the check digit tells a card's number from an order's, nine times in ten.
function cardOut(candidate: string): string {
  let sum = 0
  const digits = candidate.replaceAll(/\D/g, '')
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i])
    const doubled = i % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0 ? '[card]' : candidate
}
