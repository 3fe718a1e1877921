// Checks that each published package exports what its package.json says, types included.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

let failed = false
for (const name of readdirSync('packages')) {
  const folder = `packages/${name}`
  const pkg = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  if (pkg.private) continue
  const { messages } = await publint({ pkgDir: folder, strict: true, pack: false })
  for (const message of messages) console.error(`${pkg.name}: ${formatMessage(message, pkg)}`)
  failed ||= messages.length > 0
  for (const [entry, conditions] of Object.entries(pkg.exports ?? {})) {
    for (const [condition, file] of Object.entries(conditions)) {
      if (!existsSync(`${folder}/${file}`)) {
        console.error(`${pkg.name}: exports["${entry}"].${condition} names ${file}, which is not there`)
        failed = true
      }
    }
  }
  if (!failed) console.log(`${pkg.name}: exports and types are in order`)
}
process.exit(failed ? 1 : 0)
