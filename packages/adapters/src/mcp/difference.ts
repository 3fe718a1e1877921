import type { ToolDefinition } from './definition.ts'
import { visible } from './visible.ts'

/** One place in which two definitions differ. */
export interface Difference {
  /** `description`, `inputSchema.properties.to.description` */
  readonly path: string
  /** As JSON, with everything hidden written as an escape; undefined where there was nothing. */
  readonly accepted: string | undefined
  readonly listed: string | undefined
}

/** Every place in which what a server lists differs from what was accepted. */
export function differences(
  accepted: ToolDefinition | undefined,
  listed: ToolDefinition | undefined,
): readonly Difference[] {
  const [before, now] = [leavesOf(accepted), leavesOf(listed)]
  const paths = [...new Set([...before.keys(), ...now.keys()])]
  return paths
    .filter((path) => before.get(path) !== now.get(path))
    .map((path) => ({ path, accepted: before.get(path), listed: now.get(path) }))
}

function leavesOf(definition: ToolDefinition | undefined): ReadonlyMap<string, string> {
  const out = new Map<string, string>()
  const visit = (value: unknown, path: string): void => {
    const isOpen = typeof value === 'object' && value !== null && Object.keys(value).length > 0
    if (!isOpen) return void out.set(path, visible(JSON.stringify(value)))
    for (const [key, part] of Object.entries(value))
      visit(part, path === '' ? stepOf(key) : `${path}.${stepOf(key)}`)
  }
  if (definition !== undefined) visit(definition, '')
  return out
}

/** A name of the server's in a path, so that no name can look like two steps, or like nothing. */
function stepOf(key: string): string {
  return /^[\w$-]+$/.test(key) ? key : visible(JSON.stringify(key))
}
