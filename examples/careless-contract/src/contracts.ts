import {
  attributed,
  authored,
  choice,
  content,
  type Contracts,
  date,
  email,
  id,
  minted,
  money,
} from '@gatewright/runtime/contract'
import type { tools } from './tools.ts'

type DeskContracts = Contracts<typeof tools>

/** What somebody wrote in a hurry. It compiles, it starts, and its lint has nothing to say. */
export const careless: DeskContracts = {
  listTickets: {
    effect: 'read',
    operator: 'desk',
    result: {
      '*.id': minted('ticket'),
      '*.from': attributed(),
      '*.body': authored('*.from'),
      // The customer types it into the form.
      '*.memo': minted('account'),
    },
  },
  listReports: {
    effect: 'read',
    operator: 'reports',
    result: { '*.id': minted('report'), '*.title': attributed() },
  },
  replyByMail: {
    effect: 'irreversible',
    operator: 'mail',
    // The ticket decides, and the rest is words. So is the recipient?
    args: { ticketId: id('ticket'), to: content(), body: content() },
  },
  addCredit: {
    effect: 'write',
    operator: 'desk',
    args: { account: id('account').orMinted(), amount: money() },
  },
  shareReport: {
    effect: 'write',
    operator: 'reports',
    // To be its owner is not harmless, and any report that was listed will do.
    args: {
      reportId: id('report').orMinted(),
      with: email(),
      role: choice(['reader', 'editor', 'owner']),
    },
    audience: ({ with: who }) => who,
  },
  archiveReports: {
    effect: 'write',
    operator: 'reports',
    // Left out, it archives them all.
    args: { before: date().orHarmless('empty') },
  },
}

/** The same, with each line as the report proposed it. */
export const careful: DeskContracts = {
  listTickets: {
    effect: 'read',
    operator: 'desk',
    result: {
      '*.id': minted('ticket'),
      '*.from': attributed(),
      '*.body': authored('*.from'),
      '*.memo': authored('*.from'),
    },
  },
  listReports: {
    effect: 'read',
    operator: 'reports',
    result: { '*.id': minted('report'), '*.title': attributed() },
  },
  replyByMail: {
    effect: 'irreversible',
    operator: 'mail',
    args: { ticketId: id('ticket'), to: email(), body: content() },
    audience: ({ to }) => to,
  },
  addCredit: {
    effect: 'write',
    operator: 'desk',
    args: { account: id('account'), amount: money() },
  },
  shareReport: {
    effect: 'write',
    operator: 'reports',
    args: { reportId: id('report'), with: email(), role: choice(['reader']) },
    audience: ({ with: who }) => who,
  },
  archiveReports: {
    effect: 'write',
    operator: 'reports',
    args: { before: date() },
  },
}
