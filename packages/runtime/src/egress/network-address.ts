import ipaddr from 'ipaddr.js'

/**
 * Whether a host is an address, in any spelling that a resolver would take (`2130706433`, `0x7f.1`, `[::1]`, with a
 * zone), that is not one of the public internet. A name is not an address.
 *
 * Whatever is not known to be public is internal: loopback, private, link-local (where clouds keep their metadata),
 * carrier-grade NAT, multicast, reserved, and every form of IPv6 that carries an IPv4 address in it (mapped,
 * translated, NAT64 (RFC 6052, RFC 8215), 6to4, Teredo, ISATAP), since where those lead is up to the network.
 */
export function isInternalAddress(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  if (!ipaddr.isValid(bare)) return false
  const address = ipaddr.parse(bare)
  if (address.range() !== 'unicast') return true
  if (address.kind() === 'ipv4') return false
  const parts = (address as ipaddr.IPv6).parts
  // RFC 4291 §2.4, and what IANA gives out: global unicast is 2000::/3.
  if (((parts[0] as number) & 0xe000) !== 0x2000) return true
  // RFC 5214 §6.1: the last four bytes are an IPv4 address.
  return parts[5] === 0x5efe && ((parts[4] as number) & 0xfdff) === 0
}

/** Whether a text is an address at all, in any spelling. */
export function isAddress(host: string): boolean {
  return ipaddr.isValid(host.replace(/^\[|\]$/g, ''))
}
