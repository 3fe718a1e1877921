import { canBeKept } from './check-document.ts'
import type { Parameters } from './filter-to-sql.ts'

/** Which access lists a condition speaks of: `a` itself, or the one of passage `p`. */
export type Speaking = 'of lists' | 'of passages'

/** Values of a statement, shared by all conditions that stand in it. */
export interface SqlParameters {
  readonly values: unknown[]
  add: Parameters['add']
  /** To put conditions into the statement with. */
  speaking(of: Speaking): Parameters
}

/** Of a statement with places `$1`, `$2` … , which begins with `lists`: each list of principals is looked up once. */
export function boundParameters(
  s: string,
  tenant: string,
): SqlParameters & { readonly lists: () => readonly string[] } {
  const lists: string[] = []
  const once = (found: string): string => {
    lists.push(`list${lists.length} as materialized (${found})`)
    return `(select ids from list${lists.length - 1})`
  }
  const into = parametersOf(s, tenant, (value, place, type) => [value, `$${place}::${type}`], once)
  return { ...into, lists: () => lists }
}

/** Of a text for the server's `format`, which puts each value in as a literal, so that it plans for what is asked. */
export function quotedParameters(s: string, tenant: string): SqlParameters {
  const write = (value: unknown, place: number, type: string): readonly [string, string] => [
    Array.isArray(value) ? arrayText(value) : String(value),
    `%${place}$L::${type}`,
  ]
  return parametersOf(s, tenant, write, (found) => `(${found})`)
}

function parametersOf(
  s: string,
  tenant: string,
  write: (value: unknown, place: number, type: string) => readonly [unknown, string],
  once: (found: string) => string,
): SqlParameters {
  const values: unknown[] = []
  const add = (value: unknown, type: string): string => {
    const [held, text] = write(value, values.length + 1, type)
    values.push(held)
    return text
  }
  const own = add(tenant, 'text')
  const known = new Map<readonly string[], string>()
  // Apart, so that it is looked up once for a query. One that occurs in no list of the tenant has no number. Joined, since
  // to weigh thousands of names against each other takes the planner longer than to find them.
  const principals = (names: readonly string[]): string => {
    const text =
      known.get(names) ??
      once(`select coalesce(array_agg(n.id), '{}') as ids
        from unnest(${add(names.filter(canBeKept), 'text[]')}) asked(name)
        join ${s}.principals n on n.tenant = ${own} and n.name = asked.name`)
    known.set(names, text)
    return text
  }
  return {
    values,
    add,
    speaking: (of) => ({
      add,
      principals,
      names(column, names) {
        const meets = `a.${column} && ${principals(names)}`
        return of === 'of lists'
          ? meets
          : `p.acl in (select a.id from ${s}.acls a where a.tenant = ${own} and ${meets})`
      },
    }),
  }
}

/** An array as PostgreSQL writes it. */
export function arrayText(values: readonly unknown[]): string {
  return `{${values.map((one) => `"${String(one).replaceAll(/[\\"]/g, '\\$&')}"`).join(',')}}`
}
