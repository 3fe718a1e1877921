import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import type { AuditEvent } from './event.ts'
import type { AuditSink } from './sink.ts'

export interface JsonLinesOptions {
  /** A file to append to, made readable by its owner alone if it is new; or an open stream, which stays open. */
  readonly to: string | URL | Writable
  /** Wait for the disk at each write (`fdatasync`). Files only. Default: the operating system's cache is enough. */
  readonly fsync?: boolean
  /** Most characters that may wait to be written before further events are refused. Default 16 million. */
  readonly mostWaiting?: number
}

/** An audit as one JSON object a line. */
export interface JsonLinesAudit extends AuditSink, AsyncDisposable {
  flush(): Promise<void>
}

interface Waiting {
  readonly line: string
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * Append events to a file or a stream as JSON lines.
 *
 * A write resolves once the line was handed to the operating system, and with `fsync` once it is on the disk.
 * Events that come while a write is under way go out together in the next one. A failed write rejects the events
 * in it; a line torn by a failure or a crash is closed before the next, so that one bad line is all it costs.
 */
export function jsonLinesAudit({
  to,
  fsync = false,
  mostWaiting = 16_000_000,
}: JsonLinesOptions): JsonLinesAudit {
  const append = typeof to === 'string' || to instanceof URL ? appendToFile(to, fsync) : appendToStream(to)
  let waiting: Waiting[] = []
  let characters = 0
  let draining: Promise<void> | undefined
  let torn = false
  let closed = false

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      characters = 0
      try {
        await append.write((torn ? '\n' : '') + batch.map(({ line }) => line).join(''))
        torn = false
        for (const { done } of batch) done()
      } catch (error) {
        torn = true
        for (const { failed } of batch) failed(error)
      }
    }
    draining = undefined
  }

  function accept(event: AuditEvent): Promise<void> {
    if (closed) throw new Error('The audit file is closed.')
    const line = `${JSON.stringify(event)}\n`
    if (characters + line.length > mostWaiting) throw new Error('Too many audit events wait to be written.')
    characters += line.length
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    waiting.push({ line, done: resolve, failed: reject })
    draining ??= drain()
    return promise
  }

  return {
    write: accept,
    async flush() {
      await draining
    },
    async [Symbol.asyncDispose]() {
      closed = true
      await draining
      await append.close()
    },
  }
}

interface Append {
  write(text: string): Promise<void>
  close(): Promise<void>
}

function appendToFile(path: string | URL, fsync: boolean): Append {
  let opened: Promise<FileHandle> | undefined
  async function openFile(): Promise<FileHandle> {
    const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600)
    const { size } = await file.stat()
    if (size > 0) {
      const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: size - 1 })
      if (buffer[0] !== 0x0a) await file.appendFile('\n')
    }
    return file
  }
  return {
    async write(text) {
      opened ??= openFile()
      const file = await opened.catch((error: unknown) => {
        // The directory may be there at the next event; a failure to open is not for ever.
        opened = undefined
        throw error
      })
      await file.appendFile(text)
      if (fsync) await file.datasync()
    },
    async close() {
      await (await opened)?.close()
      opened = undefined
    },
  }
}

function appendToStream(stream: Writable): Append {
  // Without a listener, an error of the stream between two writes would end the process.
  stream.on('error', () => undefined)
  return {
    write: (text) =>
      new Promise((done, failed) => {
        stream.write(text, (error) => (error ? failed(error) : done()))
      }),
    close: async () => undefined,
  }
}
