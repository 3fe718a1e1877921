import { checkSchema } from '../epoch.ts'
import type { Within } from './accounts.ts'

/** How long the mark of a client that is gone is kept. */
const MARK_KEPT_MS = 7 * 24 * 3_600_000

/** Raise the epoch and leave the client's mark at it; undefined if an earlier mark of its is lost. */
export function raiseEpoch({ file, tenant, at }: Within, client: string, mark: number): number | undefined {
  checkSchema(Number(file.statement('pragma user_version').get()?.['user_version']))
  const left = file.statement('select epoch from mark where tenant = ? and client = ?').get(tenant, client)
  if (Number(left?.['epoch'] ?? 0) < mark) return undefined
  const raised = file
    .statement('update meta set epoch = epoch + 1 where tenant = ? returning epoch')
    .get(tenant)
  const epoch = Number(raised?.['epoch'])
  file
    .statement('insert or replace into mark (tenant, client, epoch, at) values (?, ?, ?, ?)')
    .run(tenant, client, epoch, at)
  file.statement('delete from mark where at < ?').run(at - MARK_KEPT_MS)
  return epoch
}
