import { describe, expect, test } from 'vitest'
import { label, readableBy } from '../label/label.ts'
import { type Audience, notAdmitted } from './readers.ts'

const OWN = readableBy(['user:alice', 'agent:a@1'], false)
const HR = readableBy(['group:hr', 'user:alice'])

const refused = (
  readers: Parameters<typeof label>[1],
  audience: Partial<Audience>,
  { causeTrusted = false, groups = [] as readonly string[] } = {},
): Promise<readonly string[]> =>
  notAdmitted({
    cause: label(['anyone'], readers),
    causeTrusted,
    audience: { names: ['bob@x.com'], declared: true, named: false, ...audience },
    namesOf: () => groups,
  })

describe('a recipient', () => {
  test('may not see what is for the user alone, unless the user named them', async () => {
    expect(await refused([OWN], {})).toEqual(['bob@x.com'])
    expect(await refused([OWN], { named: true })).toEqual([])
    expect(await refused([OWN], {}, { causeTrusted: true })).toEqual([])
  })

  test('that the user named still may not see what a contract assigned to others', async () => {
    expect(await refused([OWN, HR], { named: true })).toEqual(['bob@x.com'])
    expect(await refused([HR], { named: true }, { causeTrusted: true })).toEqual(['bob@x.com'])
  })

  test('may see it as one of those listed, by name or by group', async () => {
    expect(await refused([HR], { names: ['user:alice'] })).toEqual([])
    expect(await refused([HR], {}, { groups: ['group:hr'] })).toEqual([])
    expect(await refused([HR, readableBy(['group:legal'])], {}, { groups: ['group:hr'] })).toEqual([
      'bob@x.com',
    ])
  })

  test('must each be admitted', async () => {
    expect(await refused([HR], { names: ['user:alice', 'bob@x.com', 'eve@x.com'] })).toEqual([
      'bob@x.com',
      'eve@x.com',
    ])
  })

  test('whom nobody can tell is nobody admitted', async () => {
    expect(await refused([HR], { names: undefined })).toEqual(['whoever this tool reaches'])
    expect(await refused([OWN], { names: undefined })).toEqual(['whoever this tool reaches'])
  })

  test('of a tool that declares none is its operator, whom the developer chose', async () => {
    expect(await refused([OWN], { names: ['operator:shop'], declared: false })).toEqual([])
    expect(await refused([HR], { names: ['operator:shop'], declared: false })).toEqual(['operator:shop'])
  })

  test('may see what everyone may', async () => {
    expect(await refused([], {})).toEqual([])
  })
})
