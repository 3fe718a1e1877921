import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '@gatewright/runtime/store'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ToolDefinition } from './definition.ts'
import { filePins } from './file-pins.ts'
import { type Pin, pinOf, type PinStore } from './pins.ts'
import { storePins } from './store-pins.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatewright-pins-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0
const freshFile = (): string => join(folder, `${(files += 1)}.json`)
const call = { signal: new AbortController().signal }
const definition = (name: string, description = 'Read.'): ToolDefinition => ({
  name,
  description,
  inputSchema: { type: 'object' },
})
const pin = (name: string, description?: string): Pin =>
  pinOf(definition(name, description), 'user:robin', new Date('2026-01-01T00:00:00Z'))

describe.each<[string, () => PinStore]>([
  ['a file', () => filePins(freshFile())],
  ['a store', () => storePins(memoryStore({ now: () => new Date() }))],
])('pins in %s', (_, open) => {
  test('come back as they were accepted, by whom and when, for each server its own', async () => {
    const pins = open()
    expect(await pins.read('files', call)).toEqual(new Map())
    await pins.write(
      'files',
      [pin('read'), pin('__proto__'), pin('odd', 'a\u200b\u{e0041}\ufffe b')],
      [],
      call,
    )
    await pins.write('mail', [pin('send')], [], call)
    await pins.write('files', [pin('read', 'Read on.')], ['odd', 'never there'], call)
    expect(await pins.read('files', call)).toEqual(
      new Map([
        ['read', pin('read', 'Read on.')],
        ['__proto__', pin('__proto__')],
      ]),
    )
    expect([...(await pins.read('mail', call)).keys()]).toEqual(['send'])
    expect(await pins.read('constructor', call)).toEqual(new Map())
  })

  test('need the name of whoever accepts', () => {
    expect(() => pinOf(definition('read'), ' ', new Date())).toThrow('acceptedBy')
  })
})

test('pins in a store survive that many accept at once', async () => {
  const store = memoryStore({ now: () => new Date() })
  const names = Array.from({ length: 8 }, (_, index) => `tool${index}`)
  await Promise.all(names.map((name) => storePins(store).write('files', [pin(name)], [], call)))
  expect([...(await storePins(store).read('files', call)).keys()].toSorted()).toEqual(names)
})

describe('a file of pins', () => {
  const broken = async (change: (text: string) => string): Promise<PinStore> => {
    const file = freshFile()
    await filePins(file).write('files', [pin('read')], [], call)
    await writeFile(file, change(await readFile(file, 'utf8')))
    return filePins(file)
  }

  test.each<[string, (text: string) => string]>([
    ['is no JSON', () => '{'],
    ['is of another version', (text) => text.replace('"version": 1', '"version": 2')],
    ['has no servers', () => '{ "version": 1 }'],
    ['has a definition that is not of its digest', (text) => text.replace('Read.', 'Read, and mail.')],
    ['has another digest', (text) => text.replace(/sha256:./, 'sha256:x')],
    ['has a pin under another name', (text) => text.replace('"read": {', '"write": {')],
    ['has nobody who accepted', (text) => text.replace('"user:robin"', '""')],
    ['has no time', (text) => text.replace('2026-01-01T00:00:00.000Z', 'yesterday')],
  ])('that %s is refused, never read as no pins', async (_, change) => {
    const pins = await broken(change)
    await expect(pins.read('files', call)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    await expect(pins.write('files', [pin('read')], [], call)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
  })
})
