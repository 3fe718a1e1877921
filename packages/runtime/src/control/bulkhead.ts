import pLimit, { type LimitFunction } from 'p-limit'

/** How many calls may run at once, in this process. Left out, as many as come. */
export interface Concurrency {
  /** Of any one tool. */
  readonly tool?: number
  /** Of a tool by its name; in the place of `tool`. */
  readonly tools?: Readonly<Record<string, number>>
  /** Of any one tenant; calls with no tenant count as one. */
  readonly tenant?: number
  /** Most calls that wait for one tool or tenant; further ones are refused. Default 1,000. */
  readonly waiting?: number
}

/** Room to run in. Give it back once; giving back twice does nothing. */
export interface Slot extends Disposable {}

/** Keeps one tool, or one tenant, from taking all there is (the bulkhead of Nygard, Release It!, 2007). */
export interface Bulkheads {
  /**
   * Wait for room; at once where nothing limits the call. Undefined if too many wait already.
   *
   * A call that holds a slot must not ask for another one, for itself or for what it calls in turn: it would wait
   * for itself. Who stops waiting has the signal's reason thrown at them, and takes no room.
   */
  enter(
    call: { tool: string; tenant: string | undefined },
    options: { signal: AbortSignal },
  ): Promise<Slot> | undefined
  /** Whether anything limits calls of this tool. */
  covers(tool: string): boolean
  /** How many tools and tenants are being counted now. */
  readonly size: number
}

export function createBulkheads({
  tool: any,
  tools = {},
  tenant: perTenant,
  waiting = 1000,
}: Concurrency): Bulkheads {
  const limiters = new Map<string, LimitFunction>()
  const most = (tool: string): number | undefined => (Object.hasOwn(tools, tool) ? tools[tool] : any)

  function limiterOf(key: string, concurrency: number): LimitFunction {
    const known = limiters.get(key)
    if (known !== undefined) return known
    const made = pLimit(concurrency)
    limiters.set(key, made)
    return made
  }

  return {
    get size() {
      return limiters.size
    },
    covers: (tool) => perTenant !== undefined || most(tool) !== undefined,
    enter({ tool, tenant }, { signal }) {
      // The tenant first: whoever waits for the tool then holds only room of their own tenant.
      const due: [string, number][] = []
      if (perTenant !== undefined) due.push([JSON.stringify(['tenant', tenant ?? null]), perTenant])
      const ofTool = most(tool)
      if (ofTool !== undefined) due.push([JSON.stringify(['tool', tool]), ofTool])
      const full = due.some(([key]) => (limiters.get(key)?.pendingCount ?? 0) >= waiting)
      return full ? undefined : enterAll(due, signal)
    },
  }

  async function enterAll(due: readonly [string, number][], signal: AbortSignal): Promise<Slot> {
    const held: (() => void)[] = []
    const free = (): void => held.splice(0).forEach((leave) => leave())
    try {
      for (const [key, concurrency] of due) held.push(await room(key, limiterOf(key, concurrency), signal))
      signal.throwIfAborted()
    } catch (error) {
      free()
      throw error
    }
    return { [Symbol.dispose]: free }
  }

  /** Resolves to what gives the room back. A waiter that was aborted passes its turn on when it comes. */
  function room(key: string, limiter: LimitFunction, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error)
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop, { once: true })
      const over = limiter(() => {
        signal.removeEventListener('abort', stop)
        if (signal.aborted) return stop()
        return new Promise<void>((leave) => resolve(leave))
      })
      void over.finally(() => {
        // After the limiter has counted down.
        setImmediate(() => {
          if (limiter.activeCount === 0 && limiter.pendingCount === 0 && limiters.get(key) === limiter)
            limiters.delete(key)
        })
      })
    })
  }
}
