import { labelResult, type LabelledResult } from './attest/label-result.ts'
import { resultReaders } from './attest/result-readers.ts'
import { openCredential } from './call-credential.ts'
import { deadlineOf, whenAborted } from './call-signal.ts'
import type { Flight } from './control/in-flight.ts'
import type { HandedOut } from './credentials/handed-out.ts'
import type { Scrub } from './credentials/scrub.ts'
import type { CallCredential } from './credentials/source.ts'
import { type Decided, haltSubject } from './decide.ts'
import { GuardError, HaltedError } from './errors.ts'
import type { Invocation } from './invocation.ts'
import { pathMap } from './json/path.ts'
import { type Json, mutableCopy, plainJson } from './json/plain.ts'
import { carriedLabel, isCarried } from './label/carried.ts'
import { ANYONE, type Label, label } from './label/label.ts'
import type { Awaitable } from './policy/decision.ts'
import { checkRunning, type RunState } from './run-state.ts'

/** What came of a call that ran. */
export interface Executed {
  /** The result as plain JSON, frozen: what was labelled is what the model reads. */
  readonly output: Json
  readonly chunk: number
  readonly label: Label
}

/**
 * Run the tool with the input that was decided on, label what it returns and store it.
 *
 * A result that has no JSON form is refused, and the model is told that the tool ran. When the run is halted
 * the caller is released at once; what the tool returns later is discarded, and audited as such.
 */
export async function execute(
  run: RunState,
  invocation: Invocation,
  decided: Decided,
  credential: CallCredential | undefined,
  stop: AbortSignal,
): Promise<Executed> {
  const { tool } = invocation
  const started = run.guard.now().getTime()
  const latency = (): number => run.guard.now().getTime() - started
  run.counts.all += 1
  run.counts.calls.set(tool.name, (run.counts.calls.get(tool.name) ?? 0) + 1)
  const { deadlineMs } = tool.contract.contract
  const deadline = deadlineMs === undefined ? undefined : deadlineOf(deadlineMs)
  const signal = deadline === undefined ? stop : AbortSignal.any([stop, deadline.signal])
  const opened = credential && openCredential({ run, invocation, decided, credential, signal })
  let returned: unknown
  try {
    signal.throwIfAborted()
    const work = perform(invocation, decided.input, { signal, credentials: opened?.access }, run.handedOut)
    // A tool that answered at once left no time for an abort.
    returned = isThenable(work)
      ? await unlessAborted(work, signal, inFlight(run, invocation, started, latency), (stopped) =>
          whenAborted(run, tool.name, signal, stopped),
        )
      : work
    checkRunning(run)
    // A tool that answered as it was halted was not waited for.
    if (run.guard.halts.haltOf(haltSubject(run, tool.name)) !== undefined)
      throw new HaltedError('ERR_HALTED', 'This was halted by an operator.')
  } catch (thrown) {
    const { error, found } = run.handedOut.scrub()?.error(thrown) ?? { error: thrown, found: false }
    if (found) await auditMismatch(run, invocation, ['error'])
    const status = signal.aborted ? (isTimeout(signal) ? 'timeout' : 'aborted') : 'error'
    const chunk = recordError(run, invocation, error)
    await outcome(run, invocation, status, latency(), GuardError.isInstance(error) ? error.code : undefined, [
      chunk,
    ])
    throw error
  } finally {
    deadline?.[Symbol.dispose]()
    opened?.close()
  }
  const carried = isCarried(returned) ? returned : undefined
  const plain = plainResult(carried === undefined ? returned : carried.value)
  if (!plain.ok) {
    const error = new GuardError(
      'ERR_RESULT_INVALID',
      `The tool ran, but its result cannot be shown: it holds ${plain.reason}.`,
    )
    const chunk = recordError(run, invocation, error)
    await outcome(run, invocation, 'error', latency(), error.code, [chunk])
    throw error
  }
  const scrubbed = run.handedOut.scrub()?.json(plain.value) ?? { value: plain.value, places: [] }
  const executed = store(run, invocation, decided, scrubbed.value, carried?.labels)
  const mismatches = [...scrubbed.places, ...(executed.mismatch === undefined ? [] : [executed.mismatch])]
  if (mismatches.length > 0) await auditMismatch(run, invocation, mismatches)
  const kept = outcome(run, invocation, 'ok', latency(), undefined, [executed.chunk])
  if (kept !== undefined) await kept
  return executed
}

function store(
  run: RunState,
  { call, tool, snapshot }: Invocation,
  decided: Decided,
  value: Json,
  carried: Parameters<typeof pathMap<Parameters<typeof carriedLabel>[0]>>[0] | undefined,
): Executed & Pick<LabelledResult, 'mismatch'> {
  const own =
    tool.contract.contract.carriesLabels === true && carried !== undefined ? pathMap(carried) : undefined
  const toLabel = {
    value,
    contract: tool.contract,
    args: decided.args,
    principal: run.principal,
    defaultReaders: run.defaultReaders,
    ...(own === undefined
      ? {}
      : {
          carried: (place: Parameters<typeof own.find>[0]) => {
            const found = own.find(place)
            return found && carriedLabel(found, run.defaultReaders)
          },
        }),
  }
  const { label: joined, mismatch } = labelResult(toLabel)
  const chunk = run.ledger.append({
    origin: { kind: 'tool-result', call, tool: tool.name },
    label: joined,
    selectedBy: snapshot.cause,
    content: value,
  })
  run.evidence.add({ ...toLabel, chunk, input: decided.input, turn: run.ledger.turn })
  run.transcript.rememberResult(call, value, chunk.id)
  const record = run.ledger.call(call)
  if (record !== undefined) record.result = chunk.id
  return { output: value, chunk: chunk.id, label: joined, mismatch }
}

function perform(
  { perform: run, onPreliminary }: Invocation,
  input: Json,
  execution: Parameters<Invocation['perform']>[1],
  handedOut: HandedOut,
): unknown {
  const returned = run(mutableCopy(input) as Json, execution)
  // A stream is a value that cannot be shown, though it can be iterated.
  if (!isAsyncIterable(returned) || isStream(returned)) return returned
  return lastOf(returned, execution.signal, (value) => {
    const scrub = handedOut.scrub()
    onPreliminary?.(scrub === undefined ? value : shown(value, scrub))
  })
}

async function lastOf(
  values: AsyncIterable<unknown>,
  signal: AbortSignal,
  onPreliminary: Invocation['onPreliminary'],
): Promise<unknown> {
  let last: unknown
  for await (const value of values) {
    signal.throwIfAborted()
    onPreliminary?.(value)
    last = value
  }
  return last
}

/** Keeps a call known for as long as its tool runs, and audits the end of one that was not waited for. */
function inFlight(
  run: RunState,
  invocation: Invocation,
  started: number,
  latency: () => number,
): Flight & { late(): unknown } {
  const subject = { ...haltSubject(run), tool: invocation.tool.name }
  const flight = run.guard.inFlight.begin(invocation.call, subject, started)
  return {
    ...flight,
    late() {
      flight.ended()
      return discarded(run, invocation, latency())
    },
  }
}

/** The result of work, or the reason of the abort as soon as there is one. */
function unlessAborted<T>(
  work: PromiseLike<T>,
  signal: AbortSignal,
  flight: ReturnType<typeof inFlight>,
  listen: (stop: () => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      flight.stopped()
      reject(signal.reason as Error)
      work.then(flight.late, flight.late)
    }
    if (signal.aborted) return stop()
    const over = listen(stop)
    work.then(
      (value) => {
        over()
        flight.ended()
        return resolve(value)
      },
      (error: unknown) => {
        over()
        flight.ended()
        return reject(error as Error)
      },
    )
  })
}

/** Error text is authored by anyone, always, and for whom the result would have been. */
function recordError(run: RunState, { call, tool, snapshot }: Invocation, error: unknown): number {
  const text = String(error)
  const chunk = run.ledger.append({
    origin: { kind: 'tool-error', call, tool: tool.name },
    label: label([ANYONE], resultReaders({ contract: tool.contract, defaultReaders: run.defaultReaders })),
    selectedBy: snapshot.cause,
    content: text.isWellFormed() ? text : text.toWellFormed(),
  })
  run.transcript.rememberResult(call, chunk.content, chunk.id)
  const record = run.ledger.call(call)
  if (record !== undefined) record.result = chunk.id
  return chunk.id
}

function outcome(
  run: RunState,
  { call, tool }: Invocation,
  status: 'ok' | 'error' | 'aborted' | 'timeout' | 'discarded',
  latencyMs: number,
  code?: string,
  chunks?: readonly number[],
): Awaitable<void> {
  return run.audit.record(
    { type: 'outcome', call, tool: tool.name, status, code, latencyMs, chunks },
    { signal: run.signal },
  )
}

async function auditMismatch(
  run: RunState,
  { call, tool }: Invocation,
  paths: readonly string[],
): Promise<void> {
  await run.audit.record({ type: 'contract-mismatch', call, tool: tool.name, paths }, { signal: run.signal })
}

/** Nobody waits for the call any more, so a failure to record this one goes nowhere. */
async function discarded(run: RunState, invocation: Invocation, latencyMs: number): Promise<void> {
  try {
    await outcome(run, invocation, 'discarded', latencyMs)
  } catch {}
}

/** A value on its way to the application, without the credentials of the run. */
function shown(value: unknown, scrub: Scrub): unknown {
  const plain = plainResult(value)
  // What has no JSON form cannot be looked through.
  if (!plain.ok) return null
  const { value: scrubbed, places } = scrub.json(plain.value)
  return places.length === 0 ? value : scrubbed
}

/** JSON of what a tool returned; what has a JSON form of its own (a date, a class of the tool's) is taken by it. */
function plainResult(value: unknown): ReturnType<typeof plainJson> {
  if (value === undefined) return { ok: true, value: null }
  const plain = plainJson(value)
  if (plain.ok) return plain
  let lost: string | undefined
  try {
    const text = JSON.stringify(value, function (this: Record<string, unknown>, key, written: unknown) {
      // What JSON would write as `{}`, or as a number for each byte.
      lost ??= lostInJson(this[key])
      return lost === undefined ? written : null
    }) as string | undefined
    if (lost !== undefined) return { ok: false, reason: lost }
    return text === undefined ? plain : plainJson(JSON.parse(text))
  } catch {
    return plain
  }
}

function lostInJson(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Blob) return 'binary data'
  if (isStream(value)) return 'a stream'
  if (value instanceof Map || value instanceof Set) return 'a Map or a Set'
  return 'then' in value && typeof value.then === 'function' ? 'a promise' : undefined
}

function isStream(value: object): boolean {
  return 'getReader' in value || ('pipe' in value && typeof value.pipe === 'function')
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function isTimeout(signal: AbortSignal): boolean {
  const { reason } = signal as { reason: unknown }
  return reason instanceof Error && reason.name === 'TimeoutError'
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
