import type { SharedV4ProviderOptions } from '@ai-sdk/provider'
import type { RunState } from '../run-state.ts'
import { MARK } from './marks.ts'

/**
 * Options of providers that change how a model answers, and not what it is shown. Any other may bring in content
 * that the guard never sees (a stored conversation, a search, a remote tool), so it makes the cause unknown.
 */
const HARMLESS: ReadonlySet<string> = new Set([
  'cacheControl',
  'cachePoint',
  'disableParallelToolUse',
  'effort',
  'imageDetail',
  'logitBias',
  'logprobs',
  'maxCompletionTokens',
  'maxToolCalls',
  'metadata',
  'parallelToolCalls',
  'promptCacheKey',
  'promptCacheRetention',
  'reasoningEffort',
  'reasoningFormat',
  'reasoningSummary',
  'responseModalities',
  'safetyIdentifier',
  'safetySettings',
  'sendReasoning',
  'serviceTier',
  'store',
  'strictJsonSchema',
  'structuredOutputMode',
  'structuredOutputs',
  'textVerbosity',
  'thinking',
  'thinkingConfig',
  'toolStreaming',
  'topLogprobs',
  'truncation',
  'user',
])

/** The first option of a request that may show the model more than its prompt, as `provider.option`. */
export function showsMore(run: RunState, options: SharedV4ProviderOptions | undefined): string | undefined {
  for (const [provider, own] of Object.entries(options ?? {})) {
    if (provider === MARK) continue
    for (const [key, value] of Object.entries(own)) {
      if (value === undefined || value === null || HARMLESS.has(key)) continue
      if (!run.guard.harmlessProviderOptions.has(`${provider}.${key}`)) return `${provider}.${key}`
    }
  }
  return undefined
}

/** Remember what a provider attached to its own words: it may stand on them again in a later prompt. */
export function rememberMetadata(run: RunState, metadata: SharedV4ProviderOptions | undefined): void {
  for (const one of facts(metadata)) run.providerFacts.add(one)
}

/**
 * Whether a part carries nothing but what its provider attached in this run. An id of another item of the provider's
 * would make the model see that item, whatever the part's own text says.
 */
export function isAsProduced(run: RunState, options: SharedV4ProviderOptions | undefined): boolean {
  if (options === undefined) return true
  for (const one of facts(options)) if (!run.providerFacts.has(one)) return false
  return true
}

function* facts(options: SharedV4ProviderOptions | undefined): Iterable<string> {
  for (const [provider, own] of Object.entries(options ?? {})) {
    if (provider === MARK) continue
    for (const [key, value] of Object.entries(own))
      if (value !== undefined && value !== null && !HARMLESS.has(key))
        yield JSON.stringify([provider, key, value])
  }
}
