import { readFile } from 'node:fs/promises'
import { UsageError } from './usage-error.ts'

/** How to reach an MCP server. */
export type McpServer =
  | {
      readonly name: string
      readonly command: string
      readonly args: readonly string[]
      readonly env: Readonly<Record<string, string>>
    }
  | { readonly name: string; readonly url: string; readonly headers: Readonly<Record<string, string>> }

export interface McpServerOptions {
  readonly config?: string
  readonly server?: string
  readonly url?: string
  readonly command?: string
  readonly args?: readonly string[]
}

/**
 * The servers that a command was told of: one by `--url` or `--command`, or those of a file with `mcpServers`, as
 * other MCP clients have it. `${NAME}` in a header or in `env` stands for a variable of the environment.
 *
 * @throws {UsageError} If that is no server, or not clear.
 */
export async function mcpServers(options: McpServerOptions): Promise<readonly McpServer[]> {
  const { config, server, url, command, args = [] } = options
  if ([config, url, command].filter((one) => one !== undefined).length !== 1)
    throw new UsageError('which server? Say one of --config FILE, --url URL and --command COMMAND.')
  if (config !== undefined) {
    const all = await readConfig(config)
    if (server === undefined) return all
    const found = all.filter(({ name }) => name === server)
    if (found.length === 0) throw new UsageError(`there is no server '${server}' in '${config}'.`)
    return found
  }
  if (server === undefined) throw new UsageError('what is the server called? Say --server NAME.')
  return [
    url === undefined
      ? { name: nameOf(server), command: command ?? '', args, env: {} }
      : { name: nameOf(server), url: httpUrl(url), headers: {} },
  ]
}

async function readConfig(file: string): Promise<readonly McpServer[]> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UsageError(`there is no file '${file}'.`)
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new UsageError(`'${file}' is not JSON.`)
  }
  const servers = isObject(value) ? value['mcpServers'] : undefined
  if (!isObject(servers)) throw new UsageError(`'${file}' has no object 'mcpServers'.`)
  return Object.entries(servers).map(([name, one]) => serverOf(file, name, one))
}

function serverOf(file: string, given: string, one: unknown): McpServer {
  const name = nameOf(given)
  if (isObject(one) && typeof one['url'] === 'string')
    return { name, url: httpUrl(one['url']), headers: texts(file, name, 'headers', one['headers']) }
  if (!isObject(one) || typeof one['command'] !== 'string')
    throw new UsageError(`'${file}': server '${name}' has neither a 'command' nor a 'url'.`)
  const { args = [] } = one
  if (!Array.isArray(args) || !args.every((arg) => typeof arg === 'string'))
    throw new UsageError(`'${file}': 'args' of server '${name}' is no list of strings.`)
  return { name, command: one['command'], args: args as string[], env: texts(file, name, 'env', one['env']) }
}

function texts(file: string, server: string, key: string, given: unknown): Record<string, string> {
  if (given === undefined) return {}
  if (!isObject(given) || !Object.values(given).every((value) => typeof value === 'string'))
    throw new UsageError(`'${file}': '${key}' of server '${server}' is no object of strings.`)
  return Object.fromEntries(
    Object.entries(given as Record<string, string>).map(([name, value]) => [name, expanded(value)]),
  )
}

function expanded(value: string): string {
  return value.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const found = process.env[name]
    if (found === undefined) throw new UsageError(`the variable ${name} is not set.`)
    return found
  })
}

function nameOf(name: string): string {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(name)) return name
  throw new UsageError(`'${name}' is no name for a server; expected lower-case letters, digits and '-'.`)
}

function httpUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new UsageError(`'${url}' is not the URL of a server.`)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
