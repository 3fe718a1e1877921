import { tool } from 'ai'
import { z } from 'zod'

const nowhere = (): never => {
  throw new Error('An audit runs no tool, and neither does this example.')
}

/** The tools of a help desk. Nothing stands behind them here: the kit makes up what they return. */
export const tools = {
  listTickets: tool({
    description: 'List the open tickets.',
    inputSchema: z.object({}),
    execute: (): readonly { id: string; from: string; body: string; memo: string }[] => nowhere(),
  }),
  listReports: tool({
    description: 'List the reports of this year.',
    inputSchema: z.object({}),
    execute: (): readonly { id: string; title: string }[] => nowhere(),
  }),
  replyByMail: tool({
    description: 'Answer a ticket by mail.',
    inputSchema: z.object({ ticketId: z.string(), to: z.string(), body: z.string() }),
    execute: (): { sent: boolean } => nowhere(),
  }),
  addCredit: tool({
    description: 'Put a credit on a customer account; it can be taken back.',
    inputSchema: z.object({ account: z.string(), amount: z.number() }),
    execute: (): { done: boolean } => nowhere(),
  }),
  shareReport: tool({
    description: 'Share a report with somebody.',
    inputSchema: z.object({
      reportId: z.string(),
      with: z.string(),
      role: z.enum(['reader', 'editor', 'owner']),
    }),
    execute: (): { shared: boolean } => nowhere(),
  }),
  archiveReports: tool({
    description: 'Archive reports, those from before a day or all of them.',
    inputSchema: z.object({ before: z.string().optional() }),
    execute: (): { archived: number } => nowhere(),
  }),
}
