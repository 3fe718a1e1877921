import { describe, expect, test } from 'vitest'
import { redactSecrets } from './secrets.ts'

// Put together here, so that no scanner of repositories takes this file for a leak.
const fill = (length: number): string => 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z'.repeat(20).slice(0, length)
const hex = (length: number): string => '0f1e2d3c4b5a69788796a5b4c3d2e1f0'.repeat(4).slice(0, length)
const pem =
  ['-----BEGIN', 'RSA PRIVATE KEY-----\n'].join(' ') +
  `${fill(64)}\n${fill(40)}==\n` +
  ['-----END', 'RSA PRIVATE KEY-----'].join(' ')

describe('credentials are redacted', () => {
  test.for<[string, string]>([
    ['OpenAI', `sk-proj-${fill(48)}`],
    ['Anthropic', `sk-ant-api03-${fill(90)}`],
    ['Stripe', `sk_live_${fill(24)}`],
    ['GitHub', `ghp_${fill(36)}`],
    ['GitHub, fine-grained', `github_pat_${fill(82)}`],
    ['GitLab', `glpat-${fill(20)}`],
    ['Slack', `xoxb-${fill(24)}`],
    ['AWS', `AKIA${'IOSFODNN7EXAMPLE'}`],
    ['Google', `AIza${fill(35)}`],
    ['npm', `npm_${fill(36)}`],
    ['SendGrid', `SG.${fill(22)}.${fill(43)}`],
    ['a JWT', `eyJ${fill(30)}.eyJ${fill(60)}.${fill(43)}`],
    ['a private key', pem],
    ['a private key cut short', pem.slice(0, 80)],
  ])('%s', ([, secret]) => {
    expect(redactSecrets(`Here it is: ${secret}`)).toEqual({ text: 'Here it is: [redacted]', found: 1 })
  })

  test('in headers, assignments and URLs, what names them stays', () => {
    expect(redactSecrets(`Authorization: Bearer ${fill(24)}`).text).toBe('Authorization: Bearer [redacted]')
    expect(redactSecrets(`Authorization: Basic dXNlcjpwYXNzd29yZDE=`).text).toBe(
      'Authorization: Basic [redacted]',
    )
    expect(redactSecrets(`{"client_secret": "${fill(32)}"}`).text).toBe('{"client_secret": "[redacted]"}')
    expect(redactSecrets(`DB_PASSWORD=x9!Kq2$vTz`).text).toBe('DB_PASSWORD=[redacted]')
    expect(redactSecrets('postgres://app:h7Gd2kq@db.example/x').text).toBe(
      'postgres://app:[redacted]@db.example/x',
    )
  })

  test('each one is counted', () => {
    expect(redactSecrets(`ghp_${fill(36)} and AIza${fill(35)}`)).toEqual({
      text: '[redacted] and [redacted]',
      found: 2,
    })
  })
})

describe('what only looks like a secret is kept', () => {
  test.for([
    'Your password: ask the front desk. The secret: patience, and a token=value pair.',
    'The bearer authentication scheme, and a bearer of news. Bearer tokens are opaque.',
    'id 3f2b8c1e-9d4a-4f7b-8e6c-1a2b3c4d5e6f for order A-1003',
    `commit ${hex(40)}\nAuthor: Ann\n\nindex 83db48f..bf2a1c9 100644`,
    `sha256:${hex(64)} integrity sha512-abcDEF==`,
    'task-force, risk-averse-and-very-cautious-people, sk-learn, desk-1234',
    'const token = process.env.API_TOKEN; password = "${PASSWORD}"',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'see https://docs.example/guide?page=2#password and ssh://git@host.example/x',
    'IBAN DE89 3704 0044 0532 0130 00, card ending 4242, phone +49 30 123456',
  ])('%s', (text) => {
    expect(redactSecrets(text)).toEqual({ text, found: 0 })
  })
})

test('redacting twice changes nothing more', () => {
  const once = redactSecrets(`password=${fill(30)} Bearer ${fill(30)} ${pem} ghp_${fill(36)}`).text
  expect(redactSecrets(once)).toEqual({ text: once, found: 0 })
})

// A quadratic scan of one of these takes longer than the limit.
test.each([
  'sk-',
  'a-',
  'eyJ',
  'eyJaaaaaaaaa.',
  'secret',
  'password=',
  'a_',
  '-----BEGIN PRIVATE KEY-----',
  'bearer ',
  'a://b:',
  'key"',
  'xoxb-',
])('hostile text takes time in proportion to its length: %j many times over', { timeout: 10_000 }, (unit) => {
  expect(() => redactSecrets(unit.repeat(200_000 / unit.length))).not.toThrow()
})
