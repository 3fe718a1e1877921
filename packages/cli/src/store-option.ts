import type { Command } from 'commander'

export const STORE_FORMS = 'sqlite:FILE, redis://HOST:PORT or postgres://HOST:PORT/DATABASE'

/** Add the options that say which store, and which part of it. */
export function withStore(command: Command, about: string = STORE_FORMS): Command {
  return command
    .option('--store <store>', about)
    .option('--tenant <tenant>', 'whose state it is, where the store serves several')
    .option('--prefix <prefix>', 'what the keys in Redis begin with')
    .option('--schema <schema>', 'the schema in PostgreSQL')
}
