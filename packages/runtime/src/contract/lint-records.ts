import { type CompiledContract, isField } from './compile.ts'
import type { RecordContract } from './contract.ts'
import type { Finding } from './lint.ts'
import { declaredFields, isVouched } from './lint-fields.ts'

/** What is wrong with how one contract singles out records. */
export function lintRecords(compiled: CompiledContract): readonly Finding[] {
  const many = Array.isArray(compiled.contract.record)
  return compiled.records.flatMap((record, index) =>
    lintRecord(compiled, record, `contracts.${compiled.tool}.record${many ? `.${index}` : ''}`),
  )
}

function lintRecord(compiled: CompiledContract, record: RecordContract, key: string): Finding[] {
  const found: Finding[] = []
  const inRecord = (path: string): string => [record.at, path].filter(Boolean).join('.')
  const vouched = (under: string, path: string, why: string): void => {
    if (!isVouched(compiled, path))
      found.push({
        level: 'error',
        key: `${key}.${under}`,
        given: path,
        expected: `the path of a minted or attributed field, since ${why}`,
      })
  }
  for (const path of record.key)
    vouched('key', inRecord(path), 'whoever writes a key decides which record it finds')
  for (const path of record.binds ?? [])
    vouched('binds', inRecord(path), 'a bound value counts as chosen by the user')
  if (record.complete !== undefined && fieldOf(compiled, record.complete) !== 'minted')
    found.push({
      level: 'error',
      key: `${key}.complete`,
      given: record.complete,
      expected: 'the path of a minted field',
    })
  if (record.lookup !== undefined && compiled.effect !== 'read')
    found.push({
      level: 'error',
      key: `${key}.lookup`,
      given: compiled.effect,
      expected: "effect: 'read', since the guard runs look-ups by itself",
    })
  const bindsNothing =
    record.binds === undefined &&
    !declaredFields(compiled).some(([, field]) => field.field === 'minted' && field.kind === record.kind)
  if (bindsNothing)
    found.push({
      level: 'warning',
      key: `${key}.binds`,
      given: undefined,
      expected: `binds, or a field minted('${record.kind}') for the key to stand for`,
    })
  return found
}

function fieldOf({ contract: { result }, fieldAt }: CompiledContract, path: string): string {
  return isField(result) ? 'authored' : fieldAt(path.split('.')).field
}
