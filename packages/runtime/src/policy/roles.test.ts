import { describe, expect, test } from 'vitest'
import type { PrincipalId } from '../principal.ts'
import { type RolesAndRelations, rolesAndRelations } from './roles.ts'

const model: RolesAndRelations = {
  roles: { refunder: ['issueRefund'], reader: ['lookupOrder'], root: ['*'] },
  assignments: {
    'user:alice': ['refunder'],
    'group:staff': ['reader'],
    'user:dora': [{ role: 'root', tenant: 'acme' }],
    'agent:support': ['reader'],
    'agent:support@2': ['refunder'],
  },
  groups: { 'group:staff': ['group:emea', 'user:carol'], 'group:emea': ['user:bob', 'group:staff'] },
  relations: [
    ['user:eve', 'owner', 'order:ORD-1'],
    ['group:emea', 'owner', 'order:urn:7'],
  ],
  allow: [{ relation: 'owner', type: 'order', actions: ['lookupOrder'] }],
  deny: [{ principal: 'user:mallory' }, { actions: ['issueRefund'], resource: 'order:FROZEN' }],
}

const asking =
  (authority = rolesAndRelations(model)) =>
  (principal: PrincipalId, action: string, id = 'ORD-1', tenant?: string): boolean =>
    authority.authorize({
      principal,
      action,
      resource: { type: 'order', id },
      ...(tenant === undefined ? {} : { tenant }),
    }).allowed

describe('roles and relations', () => {
  test('silence is a no: a stranger, another action, an action named like a method', () => {
    const may = asking()
    expect(may('user:alice', 'issueRefund')).toBe(true)
    expect([
      may('user:zoe', 'issueRefund'),
      may('user:alice', 'wipe'),
      may('user:alice', 'constructor'),
    ]).toEqual([false, false, false])
  })

  test('groups pass on what they hold, nested, and groups that hold each other end', () => {
    const may = asking()
    expect([
      may('user:carol', 'lookupOrder'),
      may('user:bob', 'lookupOrder'),
      may('user:zoe', 'lookupOrder'),
    ]).toEqual([true, true, false])
  })

  test('a relation holds for its own resource, of its own type', () => {
    const may = asking()
    expect([
      may('user:eve', 'lookupOrder'),
      may('user:eve', 'lookupOrder', 'ORD-2'),
      may('user:eve', 'issueRefund'),
    ]).toEqual([true, false, false])
    const authority = rolesAndRelations({ ...model, groups: { 'group:emea': ['user:bob'] } })
    expect(asking(authority)('user:bob', 'lookupOrder', 'urn:7')).toBe(true)
    expect(
      authority.authorize({
        principal: 'user:eve',
        action: 'lookupOrder',
        resource: { type: 'invoice', id: 'ORD-1' },
      }).allowed,
    ).toBe(false)
  })

  test('a role in one tenant is none in another, nor where no tenant is named', () => {
    const may = asking()
    expect([
      may('user:dora', 'wipe', 'x', 'acme'),
      may('user:dora', 'wipe', 'x', 'initech'),
      may('user:dora', 'wipe'),
    ]).toEqual([true, false, false])
  })

  test('every version of an agent has what the agent has; one version’s own is its own', () => {
    const may = asking()
    expect([
      may('agent:support@3', 'lookupOrder'),
      may('agent:support@3', 'issueRefund'),
      may('agent:support@2', 'issueRefund'),
    ]).toEqual([true, false, true])
  })

  test('deny wins over every role', () => {
    const authority = rolesAndRelations(model)
    authority.grant({ principal: 'user:mallory', role: 'root' })
    authority.grant({ principal: 'user:alice', role: 'root' })
    const may = asking(authority)
    expect([
      may('user:mallory', 'lookupOrder'),
      may('user:alice', 'issueRefund', 'FROZEN'),
      may('user:alice', 'lookupOrder', 'FROZEN'),
    ]).toEqual([false, false, true])
  })
})

test('a role, relation or membership that is revoked is gone with the next question, and back when granted', () => {
  const authority = rolesAndRelations(model)
  const may = asking(authority)
  expect([
    authority.revoke({ principal: 'user:alice', role: 'refunder' }),
    may('user:alice', 'issueRefund'),
  ]).toEqual([true, false])
  expect(authority.revoke({ principal: 'user:alice', role: 'refunder' })).toBe(false)
  expect([
    authority.grant({ principal: 'user:alice', role: 'refunder' }),
    may('user:alice', 'issueRefund'),
  ]).toEqual([true, true])
  expect(authority.grant({ principal: 'user:alice', role: 'refunder' })).toBe(false)
  expect([
    authority.revoke({ relation: ['user:eve', 'owner', 'order:ORD-1'] }),
    may('user:eve', 'lookupOrder'),
  ]).toEqual([true, false])
  expect([
    authority.revoke({ group: 'group:staff', member: 'user:carol' }),
    may('user:carol', 'lookupOrder'),
  ]).toEqual([true, false])
})

const bad =
  (given: object): (() => unknown) =>
  () =>
    rolesAndRelations(given)

test('an authority that is not usable refuses to start and names the key', () => {
  expect(bad({})).toThrow(/authority/)
  expect(bad({ role: {} })).toThrow(/authority\.role:/)
  expect(bad({ roles: { a: [] } })).toThrow(/roles\.a/)
  expect(bad({ roles: { a: ['x'] }, assignments: { 'user:a': ['b'] } })).toThrow(/role: expected a; got 'b'/)
  expect(bad({ roles: { a: ['x'] }, assignments: { 'user:a': [{ role: 'a', tenant: undefined }] } })).toThrow(
    /a role given/,
  )
  expect(bad({ relations: [['user:a', 'owner', 'ORD-1']] })).toThrow(/type:id/)
  expect(bad({ deny: [{}] })).toThrow(/deny\[0\]/)
  expect(bad({ deny: [{ principle: 'user:a' }] })).toThrow(/deny\[0\]\.principle/)
  expect(bad({ deny: [{ principal: undefined, actions: ['x'] }] })).toThrow(/deny\[0\]\.principal/)
  expect(() => rolesAndRelations(model).grant({ principal: 'user:a', role: 'none' })).toThrow(/role/)
})
