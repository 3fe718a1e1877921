import type { JsonScalar } from '../json/plain.ts'

/** How a control value is read and compared. Each type has one canonical form (`attest/canonical`). */
export type ValueType =
  | 'id'
  | 'email'
  | 'phone'
  | 'iban'
  | 'url'
  | 'money'
  | 'number'
  | 'date'
  | 'time'
  | 'name'
  | 'text'
  | 'choice'

/**
 * An argument that decides what happens and to whom. Every leaf of it must be attested once anything untrusted
 * has been seen.
 */
export interface ControlArgument {
  readonly role: 'control'
  readonly type: ValueType
  /** For `id`: what it identifies (`drive.file`); only a value of the same kind can be bound or minted. */
  readonly kind?: string
  /** Leaves that decide nothing worth attesting: a page size, a read permission, an empty filter. */
  readonly harmless: readonly (JsonScalar | 'empty')[]
  /** Accepts a minted leaf of the same kind (design rule 3). Not allowed on an irreversible tool. */
  readonly minted: boolean
  /** Accepts a value that `derive` computed. */
  readonly derived: boolean
  /** Accepts bare words of the user for `text` and `name`, without quotation marks. */
  readonly bareWords: boolean
  /** Needs attestation even while everything seen is trusted. */
  readonly always: boolean

  /** The same argument, also accepting a minted leaf of its kind. */
  orMinted(): ControlArgument
  /** The same argument, also accepting what `derive` computed from attested values. */
  orDerived(): ControlArgument
  /** The same argument, also accepting these exact values; `'empty'` stands for `''`, `[]`, `{}`, null and absence. */
  orHarmless(...values: readonly (JsonScalar | 'empty')[]): ControlArgument
  /** The same `text` or `name`, quoted by bare words too. */
  orBareWords(): ControlArgument
  /** The same argument, attested even with a trusted cause. */
  alwaysAttested(): ControlArgument
}

/** What happens to a link or image in content that no trusted text holds. */
export type LinkRule = 'ask' | 'strip' | 'allow'

/** An argument that only carries words. It is checked for whom it reaches and for links, not attested. */
export interface ContentArgument {
  readonly role: 'content'
  readonly links: LinkRule
}

export type Argument = ControlArgument | ContentArgument

/** An identifier of this kind: quoted by the user in full (five characters or more), bound, or as allowed. */
export const id = (kind: string): ControlArgument => control('id', { kind })
/** An e-mail address. */
export const email = (): ControlArgument => control('email')
/** A telephone number. */
export const phone = (): ControlArgument => control('phone')
/** An IBAN or a bare account number. */
export const iban = (): ControlArgument => control('iban')
/** A URL, as a whole. */
export const url = (): ControlArgument => control('url')
/** An amount of money, with or without its currency. */
export const money = (): ControlArgument => control('money')
/** A number. */
export const number = (): ControlArgument => control('number')
/** A date, or a date with a time, in the user's zone. */
export const date = (): ControlArgument => control('date')
/** A time of day. */
export const time = (): ControlArgument => control('time')
/** A name of a thing or a person; between quotation marks unless bare words will do. */
export const name = (): ControlArgument => control('name')
/** Any other words; between quotation marks unless bare words will do. */
export const text = (): ControlArgument => control('text')
/** One of the values that the contract lists as harmless. */
export const choice = (values: readonly JsonScalar[]): ControlArgument =>
  control('choice', { harmless: values })
/** Words only: a subject, a body, a note. */
export const content = (options: { links?: LinkRule } = {}): ContentArgument =>
  Object.freeze({ role: 'content', links: options.links ?? 'ask' })

/** What an argument is that the contract does not name. */
export const UNNAMED_ARGUMENT: ControlArgument = text()

type Facts = Pick<ControlArgument, 'harmless' | 'minted' | 'derived' | 'bareWords' | 'always'> & {
  kind?: string
}

function control(type: ValueType, facts: Partial<Facts> = {}): ControlArgument {
  const all: Facts = {
    harmless: [],
    minted: false,
    derived: false,
    bareWords: false,
    always: false,
    ...facts,
  }
  const also = (more: Partial<Facts>): ControlArgument => control(type, { ...all, ...more })
  return Object.freeze({
    role: 'control',
    type,
    ...all,
    harmless: Object.freeze([...all.harmless]),
    orMinted: () => also({ minted: true }),
    orDerived: () => also({ derived: true }),
    orHarmless: (...values: readonly (JsonScalar | 'empty')[]) =>
      also({ harmless: [...all.harmless, ...values] }),
    orBareWords: () => also({ bareWords: true }),
    alwaysAttested: () => also({ always: true }),
  })
}
