/**
 * Contracts of the workspace suite: a mailbox, a calendar, a drive.
 *
 * Written from the names, descriptions and schemas of the 24 tools and the names of their outputs' fields, before any
 * task or attack was read. How each role was chosen:
 *
 * - What others get to see cannot be taken back: sending mail, sharing a file, creating an event with participants,
 *   adding participants. Nor can a deletion or a cancellation, for which there is no opposite tool. All of these are
 *   irreversible. Creating or appending to a file and moving an event can be undone: writes.
 * - Addresses, ids, times and the name of a file decide what happens, and to whom: control. Times may be derived.
 *   A person says a file's name without quotation marks. Titles, descriptions, subjects, bodies, places and contents
 *   carry words.
 * - Read permission is the lesser one, so it alone is harmless. An attachment is a file, by id, or an event, whose
 *   details are words to the same recipients.
 * - The workspace makes ids, times of sending and change, sizes, states. Sender and other addresses of a mail, its
 *   subject, an event's title, time and participants, a file's name and owner are authenticated and chosen by some
 *   party. Free text is anyone's, even where the sender is the account's owner: the agent writes there too.
 * - A mail is singled out by its subject, a contact by the name, an event by its title or by when it starts, a file by
 *   its name. The key stands for the id alone; of a contact, for the address, which is what a contact is for; of an
 *   event, for its times too. It never stands for the address of someone who wrote to the user or owns a file.
 * - The user is the owner of the account that the suite is set up with, and its calendar tells the day.
 */
import {
  attributed,
  choice,
  content,
  date,
  email,
  id,
  minted,
  name,
  type Contract,
} from '@gatewright/runtime/contract'
import { type MakeManifest, textAt } from '../manifest.ts'

const operator = 'workspace'

type Full = Exclude<Contract, string>

const mail = {
  '*.id_': minted('email'),
  '*.sender': attributed('*.sender'),
  '*.recipients': attributed('*.sender'),
  '*.cc': attributed('*.sender'),
  '*.bcc': attributed('*.sender'),
  '*.subject': attributed(),
  '*.status': minted(),
  '*.read': minted(),
  '*.timestamp': minted(),
} as const

const event = {
  '*.id_': minted('event'),
  '*.title': attributed(),
  '*.start_time': attributed(),
  '*.end_time': attributed(),
  '*.participants': attributed(),
  '*.all_day': attributed(),
  '*.status': minted(),
} as const

const file = {
  id_: minted('file'),
  filename: attributed('owner'),
  owner: attributed('owner'),
  last_modified: minted(),
  size: minted(),
} as const

const files = {
  '*.id_': minted('file'),
  '*.filename': attributed('*.owner'),
  '*.owner': attributed('*.owner'),
  '*.last_modified': minted(),
  '*.size': minted(),
} as const

const contacts = { '*.name': attributed(), '*.email': attributed() } as const

const mails: Full = {
  effect: 'read',
  operator,
  result: mail,
  record: { kind: 'email', at: '*', key: ['subject'] },
}
const byTitle = { kind: 'event', at: '*', key: ['title'], binds: ['id_', 'start_time', 'end_time'] } as const
const byStart = { ...byTitle, key: ['start_time'] } as const
const named = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

export const manifest: MakeManifest = (environment) => ({
  trusted: ['operator:workspace'],
  principal: {
    subject: 'user:owner',
    identities: [textAt(environment, 'inbox', 'account_email')],
  },
  now: new Date(`${textAt(environment, 'calendar', 'current_day')}T08:00:00Z`),
  contracts: {
    get_current_day: { effect: 'read', operator, result: minted() },

    get_unread_emails: mails,
    get_sent_emails: mails,
    get_received_emails: mails,
    get_draft_emails: mails,
    search_emails: {
      ...mails,
      record: { kind: 'email', at: '*', key: ['subject'], lookup: (subject) => ({ query: subject }) },
    },
    search_contacts_by_name: {
      effect: 'read',
      operator,
      result: contacts,
      record: {
        kind: 'contact',
        at: '*',
        key: ['name'],
        binds: ['email'],
        lookup: (contact) => ({ query: contact }),
      },
    },
    search_contacts_by_email: {
      effect: 'read',
      operator,
      result: contacts,
      record: { kind: 'contact', at: '*', key: ['name'], binds: ['email'] },
    },
    send_email: {
      effect: 'irreversible',
      operator,
      args: {
        'recipients.*': email(),
        'cc.*': email(),
        'bcc.*': email(),
        subject: content(),
        body: content(),
        'attachments.*.type': choice(['type', 'file', 'event']),
        'attachments.*.file_id': id('file').orHarmless('file_id'),
        'attachments.*.event_details': content(),
        'attachments.*.event_details.title': content(),
        'attachments.*.event_details.description': content(),
        'attachments.*.event_details.start_time': content(),
        'attachments.*.event_details.end_time': content(),
        'attachments.*.event_details.location': content(),
        'attachments.*.event_details.participants': content(),
      },
      audience: ({ recipients, cc, bcc }) => [...named(recipients), ...named(cc), ...named(bcc)],
    },
    delete_email: { effect: 'irreversible', operator, args: { email_id: id('email') } },

    search_calendar_events: {
      effect: 'read',
      operator,
      result: event,
      record: [{ ...byTitle, lookup: (title) => ({ query: title }) }, byStart],
    },
    get_day_calendar_events: {
      effect: 'read',
      operator,
      result: event,
      record: [byTitle, { ...byStart, lookup: (start) => ({ day: start.slice(0, 10) }) }],
    },
    create_calendar_event: {
      effect: 'irreversible',
      operator,
      args: {
        start_time: date().orDerived(),
        end_time: date().orDerived(),
        'participants.*': email(),
        title: content(),
        description: content(),
        location: content(),
      },
      audience: ({ participants }) => named(participants),
    },
    cancel_calendar_event: { effect: 'irreversible', operator, args: { event_id: id('event') } },
    reschedule_calendar_event: {
      effect: 'write',
      operator,
      args: {
        event_id: id('event'),
        new_start_time: date().orDerived(),
        new_end_time: date().orDerived(),
      },
    },
    add_calendar_event_participants: {
      effect: 'irreversible',
      operator,
      args: { event_id: id('event'), 'participants.*': email() },
      audience: ({ participants }) => named(participants),
    },

    search_files_by_filename: {
      effect: 'read',
      operator,
      result: files,
      record: { kind: 'file', at: '*', key: ['filename'], lookup: (filename) => ({ filename }) },
    },
    get_file_by_id: {
      effect: 'read',
      operator,
      result: file,
      record: { kind: 'file', key: ['filename'] },
    },
    list_files: {
      effect: 'read',
      operator,
      result: files,
      record: { kind: 'file', at: '*', key: ['filename'] },
    },
    search_files: {
      effect: 'read',
      operator,
      result: files,
      record: { kind: 'file', at: '*', key: ['filename'] },
    },
    create_file: {
      effect: 'write',
      operator,
      args: { filename: name().orBareWords(), content: content() },
    },
    delete_file: { effect: 'irreversible', operator, args: { file_id: id('file') } },
    append_to_file: { effect: 'write', operator, args: { file_id: id('file'), content: content() } },
    share_file: {
      effect: 'irreversible',
      operator,
      args: { file_id: id('file'), email: email(), permission: choice(['r']) },
      audience: ({ email: reader }) => String(reader),
    },
  },
})
