import { ConfigError } from '@gatewright/runtime'
import { definitionOf, digestOf, isObject, type ToolDefinition } from './definition.ts'

/** What a person accepted of one tool of a server. */
export interface Pin {
  readonly digest: string
  /** What was accepted, in full, so that a change can be shown. */
  readonly definition: ToolDefinition
  readonly acceptedBy: string
  readonly acceptedAt: Date
}

export interface PinCall {
  readonly signal: AbortSignal
}

/** Where the accepted definitions of tools are kept. */
export interface PinStore {
  /**
   * The pins of a server, by the names of its tools; none for a server that nobody has pinned.
   *
   * @throws {ConfigError} If what is kept cannot be read, or a definition is not the one of its digest.
   * @throws {UnavailableError} If it cannot be reached.
   */
  read(server: string, call: PinCall): Promise<ReadonlyMap<string, Pin>>
  /** Keep these pins in the place of those of the same names, and take out those of the tools in `removed`. */
  write(server: string, pins: readonly Pin[], removed: readonly string[], call: PinCall): Promise<void>
}

/** A pin for a definition as it stands, by whoever looked at it. */
export function pinOf(definition: ToolDefinition, acceptedBy: string, acceptedAt: Date): Pin {
  if (acceptedBy.trim() === '')
    throw new ConfigError('acceptedBy', acceptedBy, 'the name of who accepts the tool')
  return { digest: digestOf(definition), definition, acceptedBy, acceptedAt }
}

/** How the tools that a server lists stand to the pins. */
export interface PinDifference {
  readonly tool: string
  readonly kind: 'new' | 'changed' | 'gone' | 'same'
  readonly accepted: ToolDefinition | undefined
  readonly listed: ToolDefinition | undefined
}

/** Hold a list against pins, by name. */
export function compareToPins(
  listed: ReadonlyMap<string, ToolDefinition>,
  pins: ReadonlyMap<string, Pin>,
): readonly PinDifference[] {
  const names = [...new Set([...listed.keys(), ...pins.keys()])].toSorted()
  return names.map((tool) => {
    const [now, pin] = [listed.get(tool), pins.get(tool)]
    const kind =
      pin === undefined
        ? 'new'
        : now === undefined
          ? 'gone'
          : digestOf(now) === pin.digest
            ? 'same'
            : 'changed'
    return { tool, kind, accepted: pin?.definition, listed: now }
  })
}

/** Pins as JSON. */
export function writtenPins(pins: Iterable<Pin>): Record<string, object> {
  return Object.fromEntries(
    [...pins]
      .toSorted((a, b) => (a.definition.name < b.definition.name ? -1 : 1))
      .map(({ definition, digest, acceptedBy, acceptedAt }) => [
        definition.name,
        { digest, acceptedBy, acceptedAt: acceptedAt.toISOString(), definition },
      ]),
  )
}

/**
 * Pins that were written as JSON. `key` is where they stand, for the error.
 *
 * @throws {ConfigError} On anything that is not a pin, and on a definition that is not the one of its digest.
 */
export function readPins(written: unknown, key: string): ReadonlyMap<string, Pin> {
  if (!isObject(written)) throw new ConfigError(key, written, 'an object of pins by tool')
  return new Map(Object.entries(written).map(([tool, pin]) => [tool, readPin(pin, `${key}.${tool}`, tool)]))
}

function readPin(written: unknown, key: string, tool: string): Pin {
  if (!isObject(written)) throw new ConfigError(key, written, 'a pin')
  const { digest, acceptedBy, acceptedAt } = written
  const definition = definitionOf(written['definition'])
  if (definition?.name !== tool)
    throw new ConfigError(`${key}.definition`, definition?.name, 'the definition of that tool')
  if (digest !== digestOf(definition))
    throw new ConfigError(`${key}.digest`, digest, 'the digest of its definition: it was edited by hand')
  const at = new Date(typeof acceptedAt === 'string' ? acceptedAt : Number.NaN)
  if (Number.isNaN(at.getTime())) throw new ConfigError(`${key}.acceptedAt`, acceptedAt, 'a time')
  if (typeof acceptedBy !== 'string' || acceptedBy === '')
    throw new ConfigError(`${key}.acceptedBy`, acceptedBy, 'a name')
  return { digest, definition, acceptedBy, acceptedAt: at }
}
