import * as fc from 'fast-check'
import { domainToASCII } from 'node:url'
import { expect, test } from 'vitest'
import { readEmail } from './email.ts'

const atom = fc.stringMatching(/^[A-Za-z0-9_!#$%&'*+/=?^`{|}~-]{1,6}$/)
const label = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9-]{1,6}$/),
  fc.constantFrom('xn--mnchen-3ya', 'xn--a', '0x7f', '1', '127', 'com', 'a--b', '-a', 'a-'),
)
const address = fc
  .tuple(fc.array(atom, { minLength: 1, maxLength: 3 }), fc.array(label, { minLength: 1, maxLength: 4 }))
  .map(([local, domain]) => [local.join('.'), domain.join('.')] as const)

test('every ASCII address has the domain that the URL standard gives it', () => {
  fc.assert(
    fc.property(address, ([local, domain]) => {
      const ascii = domainToASCII(domain)
      const expected = ascii === '' ? undefined : `${local.toLowerCase()}@${ascii}`
      expect(readEmail(`${local}@${domain}`)).toBe(expected)
    }),
    { numRuns: 2000 },
  )
})
