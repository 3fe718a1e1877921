/** Work that several callers wait for together, under one key. */
export interface Flights<T> {
  /**
   * Join the work under a key, or start it. Whoever's signal fires leaves with its reason; the others go on waiting,
   * and the work is cut off when the last one has left.
   */
  join(key: string, signal: AbortSignal, start: (cut: AbortSignal) => Promise<T>): Promise<T>
  /** Cut off the work under these keys, whoever waits for it. */
  cut(matches: (key: string) => boolean, reason: Error): void
}

interface Flight<T> {
  readonly work: Promise<T>
  readonly cut: AbortController
  waiting: number
}

export function createFlights<T>(): Flights<T> {
  const flights = new Map<string, Flight<T>>()

  function begin(key: string, start: (cut: AbortSignal) => Promise<T>): Flight<T> {
    const cut = new AbortController()
    const work = start(cut.signal)
    const flight: Flight<T> = { work, cut, waiting: 0 }
    flights.set(key, flight)
    const over = (): void => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    work.then(over, over)
    return flight
  }

  return {
    async join(key, signal, start) {
      signal.throwIfAborted()
      const flight = flights.get(key) ?? begin(key, start)
      flight.waiting += 1
      let leave = (): void => {}
      try {
        return await new Promise<T>((resolve, reject) => {
          leave = () => reject(signal.reason as Error)
          signal.addEventListener('abort', leave, { once: true })
          flight.work.then(resolve, reject)
        })
      } finally {
        signal.removeEventListener('abort', leave)
        flight.waiting -= 1
        if (flight.waiting === 0) {
          // Nobody may join what is being cut off.
          if (flights.get(key) === flight) flights.delete(key)
          flight.cut.abort(signal.reason)
        }
      }
    },
    cut(matches, reason) {
      for (const [key, flight] of flights) {
        if (!matches(key)) continue
        flights.delete(key)
        flight.cut.abort(reason)
      }
    },
  }
}
