import { expect, test } from 'vitest'
import { readMail } from './mail.ts'

const mail = (headers: string, body = 'Hello'): string =>
  `Date: Mon, 14 Jul 2025 08:00:00 +0000\nTo: us@larkspur.example\n${headers}\n\n${body}\n`
const passed = (domain: string): string => `Authentication-Results: mx; dkim=pass header.d=${domain}`

test('a sender is the one whom the mail server verified, and nobody where it did not', () => {
  const from = 'From: "boss@larkspur.example" <eve@evil.example>'
  expect(readMail(mail(`${passed('evil.example')}\n${from}`)).from).toBe('eve@evil.example')
  for (const results of ['X-None: 1', passed('larkspur.example'), 'Authentication-Results: mx; dkim=fail'])
    expect(readMail(mail(`${results}\n${from}`)).from).toBe('unverified')
})

test('a result that the sender wrote below the one of our server does not count', () => {
  const forged = `Authentication-Results: mx; dkim=fail\nFrom: eve@evil.example\n${passed('evil.example')}`
  expect(readMail(mail(forged)).from).toBe('unverified')
})

test('encoded words, folded headers and encoded bodies are read', () => {
  const headers = 'Subject: =?utf-8?Q?Caf=C3=A9_=26?=\n more\nContent-Transfer-Encoding: quoted-printable'
  expect(readMail(mail(headers, 'na=C3=AFve and l=\nong'))).toMatchObject({
    subject: 'Café & more',
    body: 'naïve and long',
  })
  expect(readMail(mail('Content-Transfer-Encoding: base64', 'w6nDqA==')).body).toBe('éè')
})

test('of several alternatives the plain text is the body', () => {
  const parts = '--b\nContent-Type: text/html\n\n<p>no</p>\n--b\nContent-Type: text/plain\n\nyes\n--b--'
  expect(readMail(mail('Content-Type: multipart/alternative; boundary="b"', parts)).body).toBe('yes')
})
