import { tool, type ToolSet } from 'ai'
import { z } from 'zod'
import { findOrders, FOLDERS, readFolder, searchPages } from './documents.ts'

/** Something that happened to the world, and cannot be taken back. */
export interface Effect {
  readonly tool: 'issueRefund' | 'sendEmail' | 'deleteAccount'
  readonly input: Readonly<Record<string, unknown>>
}

/** Plain AI SDK tools, with no thought of a guard. What has an effect only writes it down. */
export function createTools(effects: Effect[]) {
  return {
    searchDocuments: tool({
      description: 'Search the knowledge base.',
      inputSchema: z.object({ query: z.string() }),
      execute: ({ query }) => searchPages(query),
    }),
    readMailbox: tool({
      description: 'Read the mails of a folder.',
      inputSchema: z.object({ folder: z.enum(FOLDERS) }),
      execute: ({ folder }) => readFolder(folder),
    }),
    lookUpOrder: tool({
      description: 'Look up an order by its number.',
      inputSchema: z.object({ orderId: z.string() }),
      execute: ({ orderId }) => findOrders(orderId),
    }),
    issueRefund: tool({
      description: 'Refund an amount in pounds for an order, to a bank account.',
      inputSchema: z.object({ orderId: z.string(), amount: z.number().positive(), iban: z.string() }),
      execute: (input) => {
        effects.push({ tool: 'issueRefund', input })
        return { refunded: true }
      },
    }),
    sendEmail: tool({
      description: 'Send a mail from the support address.',
      inputSchema: z.object({ to: z.string(), subject: z.string(), body: z.string() }),
      execute: (input) => {
        effects.push({ tool: 'sendEmail', input })
        return { sent: true }
      },
    }),
    deleteAccount: tool({
      description: "Delete a customer's account for good.",
      inputSchema: z.object({ accountId: z.string() }),
      execute: (input) => {
        effects.push({ tool: 'deleteAccount', input })
        return { deleted: true }
      },
    }),
  } satisfies ToolSet
}

export type Tools = ReturnType<typeof createTools>
