import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ApprovalChannel } from '@gatewright/runtime'

const POLL_MS = 200

/**
 * Ask by a file in a directory: `ID.json` is the request, and `ID.jws` beside it the signed decision.
 *
 * Who may write there may answer nothing: only a decision that a registered approver signed counts.
 */
export function directoryChannel(directory: string): ApprovalChannel {
  return {
    async present(request, { signal }) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const place = join(directory, encodeURIComponent(request.id))
      await writeFile(`${place}.part`, `${JSON.stringify(request, undefined, 2)}\n`, { mode: 0o600, signal })
      await rename(`${place}.part`, `${place}.json`)
      try {
        while (!signal.aborted) {
          const statement = await readFile(`${place}.jws`, 'utf8').catch(() => undefined)
          if (statement !== undefined) return statement.trim()
          await wait(POLL_MS, undefined, { signal }).catch(() => {})
        }
        return undefined
      } finally {
        await rm(`${place}.json`, { force: true })
        await rm(`${place}.jws`, { force: true })
      }
    },
  }
}
