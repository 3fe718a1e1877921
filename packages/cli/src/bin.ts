#!/usr/bin/env node
// Nothing else is imported before the check: an older Node would fail on something less clear.
const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  process.stderr.write(`gatewright: needs Node 24 or newer; this is ${process.versions.node}.\n`)
  process.exit(2)
}
const { run } = await import('./run.ts')
const code = await run(process.argv.slice(2), {
  out: write(process.stdout),
  error: write(process.stderr),
  columns: process.stdout.columns,
  isColoured: process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '',
})
// What the audited file imports may hold connections open.
process.exit(code)

function write(stream: NodeJS.WriteStream): (text: string) => Promise<void> {
  return (text) => new Promise((resolve) => stream.write(text, () => resolve()))
}
