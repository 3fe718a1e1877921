// Another process: an operator with access to the store, and no deploy. `npx gatewright halt` does the same.
import { storeHalts } from '@gatewright/runtime'
import { sqliteStore } from '@gatewright/runtime/store'

const [path = '', agent = '', by = '', reason = ''] = process.argv.slice(2)
const store = sqliteStore({ path })
const halts = storeHalts(store)
await halts.opened()
const { processes } = await halts.halt({ agent }, { by, reason })
process.stdout.write(JSON.stringify(processes))
await halts[Symbol.asyncDispose]()
await store.close()
