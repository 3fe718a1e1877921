import {
  attributed,
  authored,
  content,
  type Contracts,
  email,
  iban,
  id,
  minted,
  money,
} from '@gatewright/runtime/contract'
import type { Tools } from './tools.ts'

/**
 * The whole of what a security reviewer has to read: what each tool does, which of its arguments decide to whom
 * and how much, and who may have written each field that it returns. The tools themselves are untouched.
 */
export const contracts: Contracts<Tools> = {
  // Anyone in the company edits the knowledge base, and some pages are imported: authored by anyone.
  searchDocuments: 'read',

  readMailbox: {
    effect: 'read',
    operator: 'mail',
    result: {
      '*.id': minted('mail'),
      '*.from': attributed('*.from'), // verified by our mail server
      '*.to': attributed('*.from'),
      '*.date': attributed('*.from'),
      '*.subject': authored('*.from'),
      '*.body': authored('*.from'),
    },
  },

  lookUpOrder: {
    effect: 'read',
    operator: 'shop',
    result: {
      '*.id': minted('order'),
      '*.account': minted('account'),
      '*.customer': attributed('*.customer'),
      '*.total': attributed('*.customer'),
      '*.currency': attributed('*.customer'),
      '*.status': minted(),
      '*.notes': authored('*.customer'),
    },
    // An order number that the user gives stands for that order's total too.
    record: {
      kind: 'order',
      at: '*',
      key: ['id'],
      binds: ['id', 'total'],
      lookup: (orderId) => ({ orderId: orderId ?? '' }),
    },
  },

  issueRefund: {
    effect: 'irreversible',
    operator: 'payments',
    args: { orderId: id('order'), amount: money(), iban: iban() },
    result: { refunded: minted() },
  },

  sendEmail: {
    effect: 'irreversible',
    operator: 'mail',
    args: { to: email(), subject: content(), body: content() },
    audience: ({ to }) => to,
    result: { sent: minted() },
  },

  deleteAccount: {
    effect: 'irreversible',
    operator: 'shop',
    args: { accountId: id('account') },
    result: { deleted: minted() },
    risk: 'high', // a person says yes to each one, whoever asked for it
    approval: { approvers: ['user:robin'], deadlineMs: 15 * 60_000 },
  },
}
