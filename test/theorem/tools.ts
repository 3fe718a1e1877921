import { labelled } from '@gatewright/runtime'
import {
  attributed,
  authored,
  choice,
  content,
  date,
  email,
  iban,
  id,
  minted,
  money,
  text,
} from '@gatewright/runtime/contract'
import { tool } from 'ai'
import { z } from 'zod'
import type { Untrusted, World } from './world.ts'

let world: World
let item: Untrusted | undefined

/** Which world the mock tools stand in, and which of its things the next read brings. */
export function enter(next: World, read?: Untrusted): void {
  world = next
  item = read
}

const done = (): { done: boolean } => ({ done: true })
const fold = (value: string): string => value.trim().toLowerCase()
const strangers = (door: Untrusted['door']): readonly Untrusted[] =>
  world.untrusted.filter((one) => one.door === door)

export const tools = {
  readPage: tool({ inputSchema: z.object({}), execute: () => item?.text ?? '' }),
  breakDown: tool({
    inputSchema: z.object({}),
    execute: (): string => {
      throw new Error(item?.text)
    },
  }),
  readMail: tool({
    inputSchema: z.object({}),
    execute: () => [
      { id: 'MAIL-1', from: item?.fields[0] ?? '', subject: item?.fields[1] ?? '', body: item?.text ?? '' },
    ],
  }),
  search: tool({
    inputSchema: z.object({}),
    execute: () => {
      const eve = item?.door === 'memory of eve'
      return labelled(item?.text ?? '', {
        '': {
          authors: eve ? ['user:eve'] : ['anyone'],
          ...(item?.door === 'secret passage' ? { readers: ['user:alice', 'org:acme'] } : {}),
        },
      })
    },
  }),
  findFiles: tool({
    inputSchema: z.object({ name: z.string() }),
    execute: ({ name }) => {
      const strange = strangers('stranger file').map(({ fields }, index) => ({
        id: `F-666${index}0`,
        name: fields[0],
        owner: fields[1],
      }))
      const files = [...strange, ...world.trusted.files].filter((file) =>
        fold(file.name).includes(fold(name)),
      )
      return { files, complete: world.trusted.complete }
    },
  }),
  findPayees: tool({
    inputSchema: z.object({ name: z.string(), city: z.string() }),
    execute: ({ name }) => {
      const strange = strangers('stranger payee').map(({ fields: [one, city, account] }) => ({
        name: one,
        city,
        iban: account,
      }))
      return [...strange, ...world.trusted.payees].filter((payee) => fold(payee.name) === fold(name))
    },
  }),
  listTickets: tool({
    inputSchema: z.object({}),
    execute: () => world.trusted.tickets.map((one) => ({ id: one })),
  }),
  openTicket: tool({
    inputSchema: z.object({ q: z.string() }),
    execute: ({ q }) => ({ id: q.trim(), title: q }),
  }),
  prepare: tool({
    inputSchema: z.object({ note: z.string() }),
    execute: () => ({ ticket: 'T-PREPARED1' }),
  }),
  pay: tool({
    inputSchema: z.object({ to: z.string(), amount: z.number(), note: z.string().optional() }),
    execute: done,
  }),
  sendMail: tool({ inputSchema: z.object({ to: z.string(), body: z.string() }), execute: done }),
  deleteFile: tool({ inputSchema: z.object({ file: z.string() }), execute: done }),
  share: tool({ inputSchema: z.object({ file: z.string(), role: z.enum(['r', 'w']) }), execute: done }),
  move: tool({ inputSchema: z.object({ ticket: z.string(), day: z.string() }), execute: done }),
  rename: tool({ inputSchema: z.object({ title: z.string() }), execute: done }),
}

export const contracts = {
  readPage: 'read',
  breakDown: 'read',
  readMail: {
    effect: 'read',
    operator: 'mail',
    result: {
      '*.id': minted('mail'),
      '*.from': attributed('*.from'),
      '*.subject': attributed('*.from'),
      '*.body': authored('*.from'),
    },
  },
  search: { effect: 'read', carriesLabels: true },
  findFiles: {
    effect: 'read',
    operator: 'drive',
    result: {
      'files.*.id': minted('file'),
      'files.*.name': attributed('files.*.owner'),
      'files.*.owner': attributed('files.*.owner'),
      complete: minted(),
    },
    record: {
      kind: 'file',
      at: 'files.*',
      key: ['name'],
      complete: 'complete',
      lookup: (name: string) => ({ name }),
    },
  },
  findPayees: {
    effect: 'read',
    operator: 'bank',
    result: { '*.name': attributed(), '*.city': attributed(), '*.iban': attributed() },
    record: {
      kind: 'payee',
      at: '*',
      key: ['name', 'city'],
      binds: ['iban'],
      lookup: (name: string, city: string) => ({ name, city }),
    },
  },
  listTickets: { effect: 'read', operator: 'desk', result: { '*.id': minted('ticket') } },
  openTicket: { effect: 'read', operator: 'desk', result: { id: minted('ticket'), title: authored() } },
  prepare: {
    effect: 'write',
    operator: 'desk',
    args: { note: content() },
    result: { ticket: minted('ticket') },
  },
  pay: { effect: 'irreversible', operator: 'bank', args: { to: iban(), amount: money(), note: content() } },
  sendMail: {
    effect: 'irreversible',
    args: { to: email(), body: content() },
    audience: ({ to }: { to: string }) => to,
    constants: ['desk@shop.example'],
  },
  deleteFile: { effect: 'irreversible', operator: 'drive', args: { file: id('file') } },
  share: { effect: 'write', operator: 'drive', args: { file: id('file'), role: choice(['r']) } },
  move: { effect: 'write', operator: 'desk', args: { ticket: id('ticket').orMinted(), day: date() } },
  rename: { effect: 'write', operator: 'drive', args: { title: text() } },
} as const
