import { domainToASCII } from 'node:url'
import { isVisible, mixesScripts } from './plain-text.ts'

const ATOM = "[\\w!#$%&'*+/=?^`{|}~-]+"
const LABEL = '[a-z0-9]+(?:-[a-z0-9]+)*'
// ASCII dot-atoms, and a domain that is its own A-labels, save for its case. A last label of letters is no address.
const PLAIN = new RegExp(`^${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+[a-z]+$`, 'i')

/**
 * An e-mail address, lower-cased, its domain in ASCII (RFC 5890 A-labels). Undefined for quoted local parts,
 * comments, addresses that compatibility normalisation would change, and words of mixed scripts.
 */
export function readEmail(text: string): string | undefined {
  // RFC 5321 §4.5.3.1: 64 octets, the sign, 255 octets.
  if (text.length > 320) return undefined
  if (PLAIN.test(text)) return text.toLowerCase()
  const at = text.indexOf('@')
  if (at < 1 || at !== text.lastIndexOf('@')) return undefined
  const local = text.slice(0, at)
  const domain = text.slice(at + 1)
  if (!/^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u.test(local))
    return undefined
  if (!/^[\p{L}\p{M}\p{N}-]+(?:\.[\p{L}\p{M}\p{N}-]+)*$/u.test(domain)) return undefined
  const composed = text.normalize('NFC')
  if (!isVisible(text) || composed.normalize('NFKC') !== composed) return undefined
  if (text.split(/[^\p{L}\p{M}\p{N}]+/u).some(mixesScripts)) return undefined
  const ascii = domainToASCII(domain)
  return ascii === '' ? undefined : `${local.normalize('NFC').toLowerCase()}@${ascii}`
}
