/** What is used of the package `pg`. */
export interface PostgresPool {
  query(query: PostgresQuery): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
  /** A connection of one's own, for `LISTEN`. */
  connect(): Promise<PostgresConnection>
}

export interface PostgresQuery {
  readonly text: string
  readonly values: unknown[]
  /** Prepared once on each connection under this name. */
  readonly name?: string
}

export interface PostgresConnection {
  query(query: PostgresQuery): Promise<unknown>
  on(event: 'notification', listener: (message: { channel: string; payload?: string }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  release(destroy?: boolean): void
}

export interface Subscriber {
  readonly onMessage: (message: string) => void
  /** Messages may have been lost; those that come from now on are heard. */
  readonly onGap: (cause?: unknown) => void
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2000

/** Listen on a channel, on a connection of its own and again on another when that one ends, until the signal fires. */
export async function listen(
  pool: PostgresPool,
  channel: string,
  to: Subscriber,
  signal: AbortSignal,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let current: PostgresConnection | undefined
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(timer)
      current?.release(true)
      current = undefined
    },
    { once: true },
  )

  async function once(): Promise<void> {
    const connection = await pool.connect()
    let isOver = false
    const lost = (cause?: unknown): void => {
      if (isOver) return
      isOver = true
      if (signal.aborted || current !== connection) return
      current = undefined
      connection.release(true)
      to.onGap(cause)
      again(FIRST_PAUSE_MS)
    }
    connection.on('error', lost)
    connection.on('end', lost)
    connection.on('notification', ({ channel: heard, payload = '' }) => {
      if (heard === channel && !isOver) to.onMessage(payload)
    })
    try {
      signal.throwIfAborted()
      await connection.query({ text: `listen "${channel}"`, values: [] })
      signal.throwIfAborted()
      current = connection
    } catch (error) {
      isOver = true
      connection.release(true)
      throw error
    }
  }

  function again(pause: number): void {
    timer = setTimeout(() => {
      once().then(
        () => to.onGap(),
        () => {
          if (!signal.aborted) again(Math.min(pause * 2, LONGEST_PAUSE_MS))
        },
      )
    }, pause)
    timer.unref()
  }

  await once()
}
