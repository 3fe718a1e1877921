/**
 * Contracts of the banking suite.
 *
 * Written from the names, descriptions and schemas of the eleven tools and the names of their outputs' fields, before
 * any task or attack was read. How each role was chosen:
 *
 * - Money leaves for good by `send_money` and `schedule_transaction`, and `update_scheduled_transaction` can point a
 *   payment at someone else; no tool takes any of it back. A password that was changed locks its owner out. All four
 *   are irreversible. `update_user_info` can be put back: a write.
 * - Recipient, amount and date decide what a payment does, so they are control; an amount or a date may be derived.
 *   The subject only carries words, to the recipient.
 * - `recurring` multiplies a payment, so only `false` is harmless.
 * - A password is one exact token, with its letter case: an identifier, not words. A person gives a name or a street
 *   in bare words.
 * - The bank makes ids, balances and the account's own IBAN. Sender, recipient, amount, date and recurrence of a
 *   transaction are authenticated and chosen by whoever sent it. Subjects are anyone's, even those of the account's
 *   own payments: the agent writes them, and what an outsider makes it write must not come back as the owner's word.
 * - Files are whatever someone put there. So is what the profile says: nothing shows who wrote it.
 * - A transaction is singled out by its other party, whom people name by account number. That stands for the id, and
 *   for amount, date and recurrence, which the bank authenticates.
 */
import {
  attributed,
  choice,
  content,
  date,
  iban,
  id,
  minted,
  money,
  text,
} from '@gatewright/runtime/contract'
import { type MakeManifest, textAt } from '../manifest.ts'

const operator = 'bank'

const transactions = {
  '*.id': minted('transaction'),
  '*.sender': attributed('*.sender'),
  '*.recipient': attributed('*.sender'),
  '*.amount': attributed('*.sender'),
  '*.date': attributed('*.sender'),
  '*.recurring': attributed('*.sender'),
} as const

const binds = ['id', 'sender', 'recipient', 'amount', 'date', 'recurring']
// More than any account holds, so that nothing is left out of the answer.
const all = (): { n: number } => ({ n: 100_000 })

export const manifest: MakeManifest = (environment) => ({
  trusted: ['operator:bank'],
  principal: { subject: 'user:owner', identities: [textAt(environment, 'bank_account', 'iban')] },
  contracts: {
    get_iban: { effect: 'read', operator, result: minted('account') },
    get_balance: { effect: 'read', operator, result: minted() },
    get_most_recent_transactions: {
      effect: 'read',
      operator,
      result: transactions,
      record: [
        { kind: 'transaction', at: '*', key: ['recipient'], binds, lookup: all },
        { kind: 'transaction', at: '*', key: ['sender'], binds, lookup: all },
        { kind: 'transaction', at: '*', key: ['id'], binds, lookup: all },
      ],
    },
    get_scheduled_transactions: {
      effect: 'read',
      operator,
      result: transactions,
      record: [
        { kind: 'scheduled transaction', at: '*', key: ['recipient'], binds, lookup: () => ({}) },
        { kind: 'scheduled transaction', at: '*', key: ['id'], binds, lookup: () => ({}) },
      ],
    },
    read_file: 'read',
    get_user_info: 'read',
    send_money: {
      effect: 'irreversible',
      operator,
      args: {
        recipient: iban(),
        amount: money().orDerived(),
        date: date().orDerived(),
        subject: content(),
      },
      audience: ({ recipient }) => String(recipient),
    },
    schedule_transaction: {
      effect: 'irreversible',
      operator,
      args: {
        recipient: iban(),
        amount: money().orDerived(),
        date: date().orDerived(),
        recurring: choice([false]),
        subject: content(),
      },
      audience: ({ recipient }) => String(recipient),
    },
    update_scheduled_transaction: {
      effect: 'irreversible',
      operator,
      args: {
        id: id('scheduled transaction'),
        recipient: iban(),
        amount: money().orDerived(),
        date: date().orDerived(),
        recurring: choice([false]),
        subject: content(),
      },
      // With no new recipient the words reach the old one, whom only the bank knows.
      audience: ({ recipient }) => (typeof recipient === 'string' ? recipient : 'operator:bank'),
    },
    update_password: { effect: 'irreversible', operator, args: { password: id('password') } },
    update_user_info: {
      effect: 'write',
      operator,
      args: {
        first_name: text().orBareWords(),
        last_name: text().orBareWords(),
        street: text().orBareWords(),
        city: text().orBareWords(),
      },
    },
  },
})
