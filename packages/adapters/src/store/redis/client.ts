/** What is used of a client of ioredis. */
export interface IoredisClient {
  call(command: string, args: string[]): Promise<unknown>
  duplicate(override: { enableOfflineQueue: boolean; lazyConnect: boolean }): IoredisSubscriber
}

export interface IoredisSubscriber {
  subscribe(channel: string): Promise<unknown>
  on(event: 'ready' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  disconnect(): void
}

/** What is used of a client of node-redis, the package `redis`. */
export interface NodeRedisClient {
  sendCommand(args: readonly string[]): Promise<unknown>
  duplicate(): NodeRedisSubscriber
}

export interface NodeRedisSubscriber {
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  on(event: 'ready' | 'reconnecting', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  destroy(): void
}

/** A connected client of ioredis or node-redis: whichever the application has. */
export type RedisClient = IoredisClient | NodeRedisClient

export interface Subscriber {
  readonly onMessage: (message: string) => void
  /** Messages may have been lost; those that come from now on are heard. */
  readonly onGap: (cause?: unknown) => void
}

/** Send one command. */
export async function send(client: RedisClient, command: string, args: string[]): Promise<unknown> {
  return 'call' in client ? client.call(command, args) : client.sendCommand([command, ...args])
}

/** Hear a channel on a connection of its own, until the signal fires; resolves once it is heard. */
export async function subscribe(
  client: RedisClient,
  channel: string,
  to: Subscriber,
  signal: AbortSignal,
): Promise<void> {
  return 'call' in client ? byIoredis(client, channel, to, signal) : byNodeRedis(client, channel, to, signal)
}

async function byIoredis(
  client: IoredisClient,
  channel: string,
  to: Subscriber,
  signal: AbortSignal,
): Promise<void> {
  // It is not connected yet, so its one command has to wait for that.
  const subscriber = client.duplicate({ enableOfflineQueue: true, lazyConnect: false })
  let isHeard = false
  const gap = (cause?: unknown): void => {
    if (isHeard && !signal.aborted) to.onGap(cause)
  }
  subscriber.on('message', (_, message) => to.onMessage(message))
  subscriber.on('error', gap)
  subscriber.on('close', gap)
  subscriber.on('ready', () => {
    // ioredis subscribes again only after it has said that it is ready.
    if (isHeard) subscriber.subscribe(channel).then(() => gap(), gap)
  })
  const end = (): void => subscriber.disconnect()
  signal.addEventListener('abort', end, { once: true })
  try {
    await subscriber.subscribe(channel)
    isHeard = true
  } catch (error) {
    end()
    throw error
  }
}

async function byNodeRedis(
  client: NodeRedisClient,
  channel: string,
  to: Subscriber,
  signal: AbortSignal,
): Promise<void> {
  const subscriber = client.duplicate()
  let isHeard = false
  const gap = (cause?: unknown): void => {
    if (isHeard && !signal.aborted) to.onGap(cause)
  }
  subscriber.on('error', gap)
  subscriber.on('reconnecting', gap)
  subscriber.on('ready', gap)
  const end = (): void => subscriber.destroy()
  signal.addEventListener('abort', end, { once: true })
  try {
    await subscriber.connect()
    await subscriber.subscribe(channel, to.onMessage)
    isHeard = true
  } catch (error) {
    if (!signal.aborted) end()
    throw error
  }
}
