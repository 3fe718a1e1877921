export type SqlRow = Readonly<Record<string, unknown>>

export type SqlQuery = (text: string, values: readonly unknown[]) => Promise<readonly SqlRow[]>

/** What the SQL engine needs of a database. */
export interface SqlDatabase {
  readonly name: 'pglite' | 'postgres'
  readonly shared: boolean
  /** A vector, with the length one, as the driver takes it for a parameter of pgvector's type. */
  vector(values: readonly number[]): unknown
  /** Does work in one transaction: all of it, or nothing. Rejects with the signal's reason once that fires. */
  transaction<T>(signal: AbortSignal, work: (query: SqlQuery) => Promise<T>): Promise<T>
  /**
   * One statement by itself. What it sets with `set_config(…, true)` is gone at its end. One that is `often` the same may
   * be kept by the server.
   */
  read(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
    often?: 'often',
  ): Promise<readonly SqlRow[]>
  /** One statement that may stand in no transaction, for as long as it takes. */
  alone(text: string, signal: AbortSignal): Promise<void>
  /** Runs several statements, one session at a time. */
  script(sql: string, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
