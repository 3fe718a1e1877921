import { type Schema, tool, type ToolSet, zodSchema } from 'ai'
import { z } from 'zod'
import { type StoredFile, USUAL, type WorldState } from './world-state.ts'

const same = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase()
const none = z.object({})
const optional = z.string().nullish()

// A schema is costly to make, and a corpus opens a world for each case.
const schemas = new Map<string, Schema<unknown>>()

function schemaOf(name: string, make: () => z.ZodType): Schema<unknown> {
  const known = schemas.get(name) ?? zodSchema(make() as z.ZodType<unknown>)
  schemas.set(name, known)
  return known
}

const withoutText = ({ id, name, owner }: StoredFile): Omit<StoredFile, 'text'> => ({ id, name, owner })

/** Mock tools of an office: they read from a world of their own and remember, draft and prepare into it. */
export function worldTools(changes: Partial<WorldState> = {}): ToolSet {
  const world: WorldState = { ...USUAL, ...changes }
  const ids = new Map<string, number>()
  const next = (prefix: string): string => {
    const number = (ids.get(prefix) ?? 0) + 1
    ids.set(prefix, number)
    return `${prefix}-${90_000 + number}`
  }
  const define = <T extends z.ZodType>(
    name: string,
    schema: () => T,
    run: (input: z.infer<T>) => unknown,
  ) => ({
    [name]: tool({
      description: `The tool ${name} of the office.`,
      inputSchema: schemaOf(name, schema),
      execute: (input: unknown): unknown => {
        const error = world.errors[name]
        if (error !== undefined) throw new Error(error)
        return run(input as z.infer<T>)
      },
    }),
  })
  return {
    ...define(
      'readMail',
      () => z.object({ mailId: z.string().optional() }),
      ({ mailId }) => world.mails.filter(({ id }) => mailId === undefined || id === mailId),
    ),
    ...define(
      'sendEmail',
      () => z.object({ to: z.string(), cc: optional, subject: z.string().default(''), body: z.string() }),
      () => ({ id: next('sent') }),
    ),
    ...define(
      'forwardMail',
      () => z.object({ mailId: z.string(), to: z.string() }),
      () => ({ id: next('sent') }),
    ),
    ...define(
      'deleteMail',
      () => z.object({ mailId: z.string() }),
      () => ({ ok: true }),
    ),
    ...define(
      'setForwarding',
      () => z.object({ to: z.string() }),
      () => ({ ok: true }),
    ),

    ...define(
      'listFiles',
      () => none,
      () => ({ complete: true, files: world.files.map(withoutText) }),
    ),
    ...define(
      'findFile',
      () => z.object({ name: z.string() }),
      ({ name }) => ({
        complete: world.isComplete,
        files: world.files.filter((one) => same(one.name, name)).map(withoutText),
      }),
    ),
    ...define(
      'readFile',
      () => z.object({ fileId: z.string() }),
      ({ fileId }) => ({
        text: world.files.find(({ id }) => id === fileId)?.text ?? 'No such file.',
      }),
    ),
    ...define(
      'deleteFile',
      () => z.object({ fileId: z.string() }),
      () => ({ ok: true }),
    ),
    ...define(
      'shareFile',
      () => z.object({ fileId: z.string(), with: z.string(), role: z.enum(['reader', 'writer', 'owner']) }),
      () => ({ ok: true }),
    ),
    ...define(
      'starFile',
      () => z.object({ fileId: z.string(), colour: z.string().default('gold') }),
      () => ({ ok: true }),
    ),
    ...define(
      'deleteFiles',
      () => z.object({ where: z.record(z.string(), z.string().nullable()), olderThan: optional }),
      () => ({ deleted: 3 }),
    ),

    ...define(
      'listBills',
      () => none,
      () => world.bills,
    ),
    ...define(
      'getBill',
      () => z.object({ billId: z.string() }),
      ({ billId }) => world.bills.filter(({ id }) => same(id, billId)),
    ),
    ...define(
      'pay',
      () => z.object({ to: z.string(), amount: z.number(), subject: z.string().optional() }),
      () => ({
        id: next('PAY'),
      }),
    ),
    ...define(
      'preparePayment',
      () => z.object({ to: z.string(), amount: z.string() }),
      () => ({
        id: next('PREP'),
      }),
    ),
    ...define(
      'confirmPayment',
      () => z.object({ payment: z.string() }),
      () => ({ ok: true }),
    ),
    ...define(
      'scheduleTransfer',
      () =>
        z.object({ to: z.string(), amount: z.number(), on: z.string(), monthly: z.boolean().default(false) }),
      () => ({ id: next('STO') }),
    ),
    ...define(
      'listTransactions',
      () => z.object({ from: z.string().optional() }),
      ({ from }) => world.transactions.filter((one) => from === undefined || same(one.from, from)),
    ),

    ...define(
      'findContact',
      () => z.object({ name: z.string() }),
      ({ name }) => ({
        complete: world.isComplete,
        contacts: world.contacts.filter((one) => same(one.name, name)),
      }),
    ),
    ...define(
      'callPhone',
      () => z.object({ number: z.string() }),
      () => ({ ok: true }),
    ),

    ...define(
      'findEvent',
      () => z.object({ title: z.string() }),
      ({ title }) => ({
        complete: true,
        events: world.events.filter((one) => same(one.title, title)),
      }),
    ),
    ...define(
      'listEvents',
      () => none,
      () => ({ complete: true, events: world.events }),
    ),
    ...define(
      'createEvent',
      () => z.object({ title: z.string(), when: z.string(), participants: z.array(z.string()).default([]) }),
      () => ({ id: next('event') }),
    ),
    ...define(
      'cancelEvent',
      () => z.object({ eventId: z.string() }),
      () => ({ ok: true }),
    ),

    ...define(
      'getOrder',
      () => z.object({ orderId: z.string() }),
      ({ orderId }) => world.orders.filter(({ id }) => same(id, orderId)),
    ),
    ...define(
      'refund',
      () => z.object({ orderId: z.string(), amount: z.number(), note: z.string().default('') }),
      () => ({
        id: next('REF'),
      }),
    ),
    ...define(
      'addNote',
      () => z.object({ orderId: z.string(), text: z.string() }),
      () => ({ ok: true }),
    ),

    ...define(
      'search',
      () => z.object({ query: z.string() }),
      () => Object.entries(world.pages).map(([url, text]) => ({ url, text })),
    ),
    ...define(
      'fetchPage',
      () => z.object({ url: z.string() }),
      ({ url }) => world.pages[url] ?? 'Not found.',
    ),

    ...define(
      'getSalary',
      () => z.object({ employee: z.string() }),
      ({ employee }) => ({
        employee,
        salary: world.salaries[employee] ?? 0,
      }),
    ),

    ...define(
      'remember',
      () => z.object({ note: z.string() }),
      ({ note }) => {
        world.memory = [...world.memory, note]
        return { ok: true }
      },
    ),
    ...define(
      'recall',
      () => none,
      () => world.memory,
    ),

    ...define(
      'createDraft',
      () => z.object({ to: z.string(), subject: z.string(), body: z.string() }),
      ({ to, subject, body }) => {
        const id = next('DRAFT')
        world.drafts = [...world.drafts, { id, to, subject, body }]
        return { id, to }
      },
    ),
    ...define(
      'getDraft',
      () => z.object({ draftId: z.string() }),
      ({ draftId }) => world.drafts.filter(({ id }) => id === draftId),
    ),
    ...define(
      'sendDraft',
      () => z.object({ draftId: z.string(), to: z.string() }),
      () => ({ ok: true }),
    ),

    ...define(
      'postMessage',
      () => z.object({ channel: z.string(), text: z.string() }),
      () => ({ ok: true }),
    ),
    ...define(
      'setPassword',
      () => z.object({ password: z.string() }),
      () => ({ ok: true }),
    ),
    ...define(
      'inviteUser',
      () => z.object({ email: z.string(), role: z.enum(['guest', 'member', 'admin']) }),
      () => ({
        ok: true,
      }),
    ),
  }
}
