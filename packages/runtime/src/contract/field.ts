/** A field that the system of record generated and no outsider can choose: an id, a server's time, a size. */
export interface MintedField {
  readonly field: 'minted'
  /** For an id: what it identifies. */
  readonly kind?: string
  /** For a handle that a write returns: the argument paths it stands for, instead of all of them. */
  readonly standsFor?: readonly string[]
}

/** A field that is authenticated and yet chosen by a party: a verified sender, an amount, a file name. */
export interface AttributedField<Party extends string = string> {
  readonly field: 'attributed'
  /** Path of the minted or attributed field that names the party; anyone where left out. */
  readonly party?: Party
}

/** Free text that a party wrote. */
export interface AuthoredField<Party extends string = string> {
  readonly field: 'authored'
  readonly party?: Party
}

export type Field<Party extends string = string> = MintedField | AttributedField<Party> | AuthoredField<Party>

// Fields made here, so that a look-alike in a schema that came from elsewhere is told apart.
const made = new WeakSet<object>()

/** Whether a value was made by `minted`, `attributed` or `authored`, and is not data that looks the same. */
export const isMadeField = (value: unknown): value is Field =>
  typeof value === 'object' && value !== null && made.has(value)

/** A field that the system of record generated; `kind` for ids. */
export const minted = (kind?: string, options: { standsFor?: readonly string[] } = {}): MintedField =>
  make({ field: 'minted', ...(kind === undefined ? {} : { kind }), ...options })

// Overloads, so that a bare `authored()` has nothing to infer: inside a generic call it would come out as any path.
type MakesField<Of extends 'attributed' | 'authored'> = {
  (): Of extends 'attributed' ? AttributedField<never> : AuthoredField<never>
  <const Party extends string>(
    party: Party,
  ): Of extends 'attributed' ? AttributedField<Party> : AuthoredField<Party>
}

/** A field that is authenticated and chosen by the party whom `party` (a path) names. */
export const attributed: MakesField<'attributed'> = ((party?: string) =>
  partyField('attributed', party)) as MakesField<'attributed'>

/** Free text of the party whom `party` (a path) names. */
export const authored: MakesField<'authored'> = ((party?: string) =>
  partyField('authored', party)) as MakesField<'authored'>

/** What a field is that the contract does not name: free text of anyone. */
export const UNNAMED_FIELD: AuthoredField = authored()

function partyField(field: 'attributed' | 'authored', party: string | undefined): Field {
  return make({ field, ...(party === undefined ? {} : { party }) })
}

function make<const T extends Field>(field: T): Readonly<T> {
  made.add(field)
  return Object.freeze(field)
}
