import type { LanguageModel } from 'ai'
import { UsageError } from './arguments.ts'

/**
 * A model of a provider whose package is installed: `openai/gpt-5`, by the package `@ai-sdk/openai`.
 *
 * @throws {UsageError} If the name has no provider, or its package is not there or has no such provider.
 */
export async function realModel(name: string): Promise<LanguageModel> {
  const [, provider, model] = /^([a-z][a-z0-9-]*)\/(.+)$/.exec(name) ?? []
  if (provider === undefined || model === undefined)
    throw new UsageError(`--model: expected provider/model, such as openai/gpt-5; got ${name}.`)
  const from = `@ai-sdk/${provider}`
  const made = providerIn(await load(from), provider)
  if (made === undefined)
    throw new UsageError(`--model: the package ${from} exports no provider that can be used here.`)
  return made(model)
}

async function load(name: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(name)) as Record<string, unknown>
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new UsageError(
      `--model: the package ${name} is not installed; run npm install --no-save ${name} first.`,
    )
  }
}

type Provider = (model: string) => LanguageModel

function providerIn(exported: Readonly<Record<string, unknown>>, provider: string): Provider | undefined {
  const named = exported[provider.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
  const candidates = [named, ...Object.values(exported)]
  return candidates.find((one): one is Provider => typeof one === 'function' && 'languageModel' in one)
}
