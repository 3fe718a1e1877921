import {
  choice,
  content,
  date,
  email,
  iban,
  id,
  money,
  name,
  phone,
  text,
  url,
} from '../../contract/argument.ts'
import type { Contract } from '../../contract/contract.ts'
import { attributed, authored, minted } from '../../contract/field.ts'
import type { PrincipalId } from '../../principal.ts'

/** Whose word mints and binds in the world. Not the web's, and not the memory's. */
export const WORLD_OPERATORS: readonly PrincipalId[] = [
  'operator:mail',
  'operator:drive',
  'operator:bank',
  'operator:crm',
  'operator:calendar',
  'operator:shop',
]

const file = {
  'files.*.id': minted('drive.file'),
  'files.*.name': attributed(),
  'files.*.owner': attributed(),
  complete: minted(),
} as const
const fileRecord = { kind: 'drive.file', at: 'files.*', key: ['name'], complete: 'complete' } as const

const bill = {
  '*.id': minted('bill'),
  '*.payee': attributed(),
  '*.iban': attributed(),
  '*.amount': attributed(),
  '*.due': attributed(),
  '*.memo': authored(),
} as const

const event = {
  'events.*.id': minted('event'),
  'events.*.title': attributed(),
  'events.*.when': attributed(),
  'events.*.participants.*': attributed(),
  'events.*.notes': authored(),
  complete: minted(),
} as const
const eventRecord = { kind: 'event', at: 'events.*', key: ['title'], complete: 'complete' } as const

/** The contracts of a careful developer over the world's tools: no case may need a stricter one. */
export const WORLD_CONTRACTS: Readonly<Record<string, Contract>> = {
  readMail: {
    effect: 'read',
    operator: 'mail',
    result: {
      '*.id': minted('mail'),
      '*.from': attributed(),
      '*.subject': authored('*.from'),
      '*.body': authored('*.from'),
    },
    record: { kind: 'mail', at: '*', key: ['id'], lookup: (mailId) => ({ mailId }) },
  },
  sendEmail: {
    effect: 'irreversible',
    operator: 'mail',
    args: { to: email(), cc: email().orHarmless('empty'), subject: content(), body: content() },
    audience: ({ to, cc }) => [String(to), ...(typeof cc === 'string' && cc !== '' ? [cc] : [])],
  },
  forwardMail: {
    effect: 'irreversible',
    operator: 'mail',
    args: { mailId: id('mail'), to: email() },
    audience: ({ to }) => String(to),
  },
  deleteMail: { effect: 'irreversible', operator: 'mail', args: { mailId: id('mail') } },
  setForwarding: { effect: 'irreversible', operator: 'mail', args: { to: email() } },

  listFiles: { effect: 'read', operator: 'drive', result: file, record: fileRecord },
  findFile: {
    effect: 'read',
    operator: 'drive',
    result: file,
    record: { ...fileRecord, lookup: (named) => ({ name: named }) },
  },
  readFile: 'read',
  deleteFile: { effect: 'irreversible', operator: 'drive', args: { fileId: id('drive.file') } },
  shareFile: {
    effect: 'irreversible',
    operator: 'drive',
    args: { fileId: id('drive.file'), with: email(), role: choice(['reader']) },
    audience: ({ with: who }) => String(who),
  },
  starFile: {
    effect: 'write',
    operator: 'drive',
    args: { fileId: id('drive.file').orMinted(), colour: choice(['gold', 'red']) },
  },
  deleteFiles: {
    effect: 'irreversible',
    operator: 'drive',
    args: { 'where.*': text().orHarmless('name', 'owner'), olderThan: date() },
  },

  listBills: {
    effect: 'read',
    operator: 'bank',
    result: bill,
    record: { kind: 'bill', at: '*', key: ['id'] },
  },
  getBill: {
    effect: 'read',
    operator: 'bank',
    result: bill,
    record: {
      kind: 'bill',
      at: '*',
      key: ['id'],
      binds: ['id', 'amount', 'due'],
      lookup: (billId) => ({ billId }),
    },
  },
  pay: {
    effect: 'irreversible',
    operator: 'bank',
    args: { to: iban(), amount: money().orDerived(), subject: content() },
  },
  preparePayment: {
    effect: 'write',
    operator: 'bank',
    args: { to: content(), amount: content() },
    result: { id: minted('payment') },
  },
  confirmPayment: { effect: 'irreversible', operator: 'bank', args: { payment: id('payment') } },
  scheduleTransfer: {
    effect: 'irreversible',
    operator: 'bank',
    args: { to: iban(), amount: money().orDerived(), on: date().orDerived() },
  },
  listTransactions: {
    effect: 'read',
    operator: 'bank',
    result: {
      '*.id': minted('transaction'),
      '*.date': minted(),
      '*.from': attributed(),
      '*.amount': attributed(),
      '*.subject': authored(),
    },
    record: {
      kind: 'transaction',
      at: '*',
      key: ['from'],
      binds: ['id', 'amount', 'date'],
      lookup: (from) => ({ from }),
    },
  },

  findContact: {
    effect: 'read',
    operator: 'crm',
    result: {
      'contacts.*.id': minted('contact'),
      'contacts.*.name': attributed(),
      'contacts.*.email': attributed(),
      'contacts.*.phone': attributed(),
      'contacts.*.iban': attributed(),
      'contacts.*.note': authored(),
      complete: minted(),
    },
    record: {
      kind: 'contact',
      at: 'contacts.*',
      key: ['name'],
      binds: ['email', 'phone', 'iban'],
      lookup: (named) => ({ name: named }),
      complete: 'complete',
    },
  },
  callPhone: { effect: 'irreversible', operator: 'crm', args: { number: phone() } },

  listEvents: { effect: 'read', operator: 'calendar', result: event, record: eventRecord },
  findEvent: {
    effect: 'read',
    operator: 'calendar',
    result: event,
    record: { ...eventRecord, lookup: (title) => ({ title }) },
  },
  createEvent: {
    effect: 'irreversible',
    operator: 'calendar',
    args: { title: content(), when: date().orDerived(), participants: email().orHarmless('empty') },
    audience: ({ participants }) => participants as readonly string[],
  },
  cancelEvent: { effect: 'irreversible', operator: 'calendar', args: { eventId: id('event') } },

  getOrder: {
    effect: 'read',
    operator: 'shop',
    result: {
      '*.id': minted('order'),
      '*.customer': attributed(),
      '*.total': attributed(),
      '*.paid': attributed(),
      '*.note': authored(),
    },
    record: {
      kind: 'order',
      at: '*',
      key: ['id'],
      binds: ['id', 'total', 'paid'],
      lookup: (orderId) => ({ orderId }),
    },
  },
  refund: {
    effect: 'irreversible',
    operator: 'shop',
    args: { orderId: id('order'), amount: money().orDerived(), note: content() },
  },
  addNote: { effect: 'write', operator: 'shop', args: { orderId: id('order').orMinted(), text: content() } },

  search: { effect: 'read', egress: true, operator: 'web', args: { query: content() } },
  fetchPage: { effect: 'read', egress: true, operator: 'web', args: { url: url() } },
  getSalary: { effect: 'read', operator: 'hr', readers: { principals: ['group:hr'] } },

  remember: { effect: 'write', operator: 'memory', args: { note: content() } },
  recall: 'read',

  createDraft: {
    effect: 'write',
    operator: 'mail',
    args: { to: content(), subject: content(), body: content() },
    result: { id: minted('draft'), to: attributed() },
  },
  getDraft: {
    effect: 'read',
    operator: 'mail',
    result: { '*.id': minted('draft'), '*.to': attributed(), '*.subject': authored(), '*.body': authored() },
    record: { kind: 'draft', at: '*', key: ['id'], lookup: (draftId) => ({ draftId }) },
  },
  sendDraft: {
    effect: 'irreversible',
    operator: 'mail',
    args: { draftId: id('draft'), to: email() },
    audience: ({ to }) => String(to),
  },

  postMessage: {
    effect: 'irreversible',
    operator: 'chat',
    args: { channel: name(), text: content() },
    audience: ({ channel }) => `channel:${String(channel)}`,
  },
  setPassword: { effect: 'irreversible', args: { password: text() } },
  inviteUser: { effect: 'irreversible', args: { email: email(), role: choice(['guest']) } },
}
