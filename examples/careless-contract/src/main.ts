import { auditAgent, printReport } from '@gatewright/runtime/testing'
import { desk } from './agent.ts'
import { careful, careless } from './contracts.ts'

const before = await auditAgent(desk(careless))
const after = await auditAgent(desk(careful))

process.stdout.write(`The careless contracts\n\n${printReport(before)}\n`)
process.stdout.write(`The careful contracts\n\n${printReport(after)}\n`)

// The example checks itself: the holes are found, and the fixes close them.
const isAsExpected = !before.ok && after.ok
process.stdout.write(isAsExpected ? 'As it should be: red before, green after.\n' : 'Not as it should be.\n')
process.exitCode = isAsExpected ? 0 : 1
