import { format, inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from './secret.ts'

test('a secret shows itself to whoever calls reveal(), and to nothing that prints', () => {
  const secret = new Secret('CANARY')
  expect(secret.reveal()).toBe('CANARY')
  const holder = { secret, list: [secret], map: new Map([['a', secret]]) }
  const shown = [
    String(secret),
    `${secret as unknown as string}`,
    secret + '',
    JSON.stringify(holder),
    inspect(holder, { depth: Infinity, showHidden: true, getters: true, customInspect: false }),
    inspect(holder),
    format('%s %o %O %j', secret, secret, secret, secret),
    Object.entries(secret).join(' '),
    JSON.stringify({ ...secret }),
  ]
  expect(shown.join('\n')).not.toContain('CANARY')
  expect(JSON.stringify(structuredClone({ secret }))).toBe('{"secret":{}}')
  expect(() => new Secret(undefined as never)).toThrow(TypeError)
})
