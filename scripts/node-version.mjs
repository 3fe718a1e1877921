// The packages we build on need Node 24. `npm ci` installs it as a devDependency and puts it on the path
// of every npm script; `--ignore-scripts` leaves it out, and the failures that follow are hard to read.
const [major] = process.versions.node.split('.').map(Number)
if (major < 24) {
  console.error(
    `Gatewright's scripts need Node 24 or newer; this one runs on ${process.versions.node}. ` +
      'Run `npm ci` without --ignore-scripts (it installs Node 24 for this folder), or put Node 24 on your path.',
  )
  process.exit(1)
}
