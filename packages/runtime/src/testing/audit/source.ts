import type { Argument, ControlArgument } from '../../contract/argument.ts'

type Without = 'minted' | 'derived' | 'bareWords' | 'harmless'

/** An argument as a contract spells it, such as `id('order').orMinted()`; optionally less one of its allowances. */
export function argumentSource(argument: Argument, without?: Without): string {
  if (argument.role === 'content')
    return argument.links === 'ask' ? 'content()' : `content({ links: ${literal(argument.links)} })`
  const { type, kind, harmless } = argument
  const list = harmless.map(literal).join(', ')
  if (type === 'choice') return `choice([${list}])`
  const has = (one: Exclude<Without, 'harmless'>): boolean => argument[one] && without !== one
  return [
    `${type}(${kind === undefined ? '' : literal(kind)})`,
    has('bareWords') ? '.orBareWords()' : '',
    has('minted') ? '.orMinted()' : '',
    has('derived') ? '.orDerived()' : '',
    list === '' || without === 'harmless' ? '' : `.orHarmless(${list})`,
    argument.always ? '.alwaysAttested()' : '',
  ].join('')
}

/** A line of a contract's `args` or `result`: `to: email()`, `'items.*.id': id('item')`. */
export function entrySource(path: string, value: string): string {
  return `${/^[A-Za-z_$][\w$]*$/.test(path) ? path : literal(path)}: ${value}`
}

/** The bare type of a control argument, with no allowance. */
export function strictSource({ type, kind }: Pick<ControlArgument, 'type' | 'kind'>): string {
  return `${type}(${kind === undefined ? '' : literal(kind)})`
}

/** A value in single quotes, where it is a string; nothing in it can end the string or act on a terminal. */
export function literal(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'undefined'
  const inner = value
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll(/[^\u0020-\u007e]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`)
  return `'${inner}'`
}
