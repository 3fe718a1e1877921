/** What providers of models take as the name of a tool. Nothing in it can pass for a character that it is not. */
const USABLE = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** How the tools of a server are called: after the server, or as the server calls them. */
export type ToolNaming = 'prefixed' | 'exact'

/**
 * The name under which a model calls a server's tool; undefined where there is none that a model can use.
 *
 * `.` and `/` become `_`. Any other character that is not an ASCII letter, digit, `_` or `-` makes the name unusable,
 * so that no letter of another script passes for a Latin one.
 */
export function nameFor(server: string, tool: string, naming: ToolNaming): string | undefined {
  const own = tool.replaceAll(/[./]/g, '_')
  const name = naming === 'exact' ? own : `${server.replaceAll('-', '_')}_${own}`
  return USABLE.test(name) ? name : undefined
}

/** Whether a developer may call a server so: it stands in names of tools, in labels and in pins. */
export function isServerName(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z][a-z0-9-]{0,30}$/.test(name)
}
