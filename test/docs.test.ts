import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const work = join(root, '.gatewright', 'docs-check')

/** A block of TypeScript in a page, by the line on which it starts. */
interface Snippet {
  readonly page: string
  readonly line: number
  readonly code: string
  readonly file: string
  /** False for one that defines tests of its own: it is compiled only. */
  readonly runs: boolean
}

// The README comes first: its first snippet is the first of all.
const pages = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...(await markdownUnder('docs')),
  ...(await readmesUnder('packages')),
  ...(await readmesUnder('examples')),
]
const snippets = (await Promise.all(pages.map(snippetsOf))).flat()

beforeAll(async () => {
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  await copyFile(join(root, 'test', 'docs', 'app.ts'), join(work, 'app.ts'))
  for (const { file, code } of snippets) await writeFile(file, code)
  await writeFile(
    join(work, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.check.json', include: ['*.ts'] }),
  )
  // Registrations in the examples have an expiry date; the examples must not fail when it comes.
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-20T10:00:00Z') })
})

afterAll(() => void vi.useRealTimers())

// One compiler over all pages: on a machine that is busy with other tests it has taken half a minute.
test('every snippet of the documentation compiles', { timeout: 180_000 }, async () => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const said = await promisify(execFile)(process.execPath, [tsc, '-p', work, '--pretty', 'false']).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  )
  // Errors in the packages themselves are for the type check of the repository to report.
  const errors = said.split('\n').filter((line) => line.includes('error TS') && !line.startsWith('packages/'))
  expect(errors).toEqual([])
})

test('the first snippet of the README stops the injected mail and lets the one that was asked for go out', async () => {
  const { sent } = await app()
  sent.length = 0
  await run(snippets[0] as Snippet)
  expect(sent).toEqual([{ to: 'bob@example.com', subject: 'Summary', body: 'One invoice came in.' }])
})

test('the contracts page pays the total of the order that the user named', async () => {
  const { refunded } = await app()
  await run(snippets.find(({ page }) => page === 'docs/contracts.md') as Snippet)
  expect(refunded).toEqual([{ orderId: 'ORD-1042', amount: 49.5 }])
})

describe('runs as it stands', () => {
  test.each(
    snippets
      .slice(1)
      .filter(({ runs }) => runs)
      .map((one) => [`${one.page}:${one.line}`, one] as const),
  )('%s', async (_, snippet) => {
    const { sent } = await app()
    sent.length = 0
    await run(snippet)
    // The model of the examples obeys the mail that it reads: no guarded example may let that out.
    expect(sent.map(({ to }) => to)).not.toContain('archive@collector.example')
  })
})

test('every relative link leads to a page, and to a heading that it has', async () => {
  const broken: string[] = []
  for (const page of pages) {
    const text = prose(await readFile(join(root, page), 'utf8'))
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/i.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(root, page) : resolve(root, dirname(page), path)
      if (!existsSync(file)) broken.push(`${page}: ${target}`)
      else if (anchor !== undefined && !headings(await readFile(file, 'utf8')).has(anchor))
        broken.push(`${page}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})

async function app(): Promise<typeof import('./docs/app.ts')> {
  return (await import(/* @vite-ignore */ join(work, 'app.ts'))) as typeof import('./docs/app.ts')
}

async function run({ file }: Snippet): Promise<void> {
  const before = process.cwd()
  // What an example writes to disk stays out of the repository.
  process.chdir(work)
  try {
    await import(/* @vite-ignore */ file)
  } finally {
    process.chdir(before)
  }
}

async function markdownUnder(folder: string): Promise<string[]> {
  const found = await readdir(join(root, folder), { recursive: true })
  return found
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
    .toSorted()
}

async function readmesUnder(folder: string): Promise<string[]> {
  const found = await readdir(join(root, folder))
  return found
    .map((name) => `${folder}/${name}/README.md`)
    .filter((page) => existsSync(join(root, page)))
    .toSorted()
}

async function snippetsOf(page: string): Promise<Snippet[]> {
  const lines = (await readFile(join(root, page), 'utf8')).split('\n')
  const out: Snippet[] = []
  for (let i = 0; i < lines.length; i += 1) {
    const info = lines[i]
    if (info !== '```ts' && info !== '```ts no-run') continue
    const end = lines.indexOf('```', i)
    const name = `${relative('.', page).replaceAll(/[^A-Za-z]+/g, '-')}-${i + 1}.ts`
    out.push({
      page,
      line: i + 1,
      code: `${lines.slice(i + 1, end).join('\n')}\nexport {}\n`,
      file: join(work, name),
      runs: info === '```ts',
    })
    i = end
  }
  return out
}

function prose(text: string): string {
  return unfenced(text).replaceAll(/`[^`\n]*`/g, '')
}

function unfenced(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** The anchors of a page, as GitHub makes them. */
function headings(text: string): Set<string> {
  return new Set(
    [...unfenced(text).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
