/**
 * Do work under a deadline in milliseconds and the caller's signal. Rejects as soon as either is over, whether the
 * work listens or not; what it answers later goes nowhere.
 */
export async function within<T>(
  ms: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted()
  const own = new AbortController()
  const passOn = (): void => own.abort(outer.reason)
  outer.addEventListener('abort', passOn, { once: true })
  const timer = setTimeout(() => own.abort(new DOMException('The deadline is over.', 'TimeoutError')), ms)
  let stop: (() => void) | undefined
  const over = new Promise<never>((_, reject) => {
    stop = () => reject(own.signal.reason as Error)
    own.signal.addEventListener('abort', stop, { once: true })
  })
  try {
    const doing = work(own.signal)
    doing.catch(() => {})
    return await Promise.race([doing, over])
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', passOn)
    if (stop !== undefined) own.signal.removeEventListener('abort', stop)
  }
}
