/**
 * Work on items side by side, at most `most` at a time, and hand on what comes of each in the order of the items.
 *
 * No item is taken before there is room for it. Whoever stops listening stops what is going on, and waits for its end:
 * nothing is worked on after this is over.
 */
export async function* sideBySide<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  most: number,
  work: (item: T, stop: AbortSignal) => Promise<R>,
): AsyncGenerator<R, void, void> {
  const own = new AbortController()
  const going: Promise<R>[] = []
  try {
    for await (const item of items) {
      const doing = work(item, own.signal)
      // Heard of when it is its turn.
      doing.catch(() => {})
      going.push(doing)
      if (going.length >= most) yield await (going.shift() as Promise<R>)
    }
    while (going.length > 0) yield await (going.shift() as Promise<R>)
  } finally {
    own.abort(new DOMException('The ingest is over.', 'AbortError'))
    await Promise.allSettled(going)
  }
}

/** Work that has to wait for what was begun before under the same key. */
export function oneAtATime<R>(): (key: string, work: () => Promise<R>) => Promise<R> {
  const last = new Map<string, Promise<unknown>>()
  return async (key, work) => {
    const before = last.get(key)
    const now = (async () => {
      await before?.catch(() => {})
      return work()
    })()
    last.set(key, now)
    try {
      return await now
    } finally {
      if (last.get(key) === now) last.delete(key)
    }
  }
}
