import { execFile } from 'node:child_process'
import {
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** A copy of the repository to break things in. Removed when disposed of. */
export interface Tree extends AsyncDisposable {
  readonly root: string
  read(file: string): Promise<string>
  /** Do some work while a file of the copy holds another text. */
  withText<T>(file: string, text: string, work: () => Promise<T>): Promise<T>
}

/**
 * Copy the files that git knows of, or would, and link the installed packages.
 *
 * Links between the workspaces lead to the copy, not back to the original: or the tests of the copy would run what
 * nobody has changed.
 */
export async function copyTree(from: string): Promise<Tree> {
  const root = await mkdtemp(join(tmpdir(), 'gatewright-mutants-'))
  const tree: Tree = {
    root,
    read: (file) => readFile(join(root, file), 'utf8'),
    async withText(file, text, work) {
      const before = await tree.read(file)
      await writeFile(join(root, file), text)
      try {
        return await work()
      } finally {
        await writeFile(join(root, file), before)
      }
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
  try {
    for (const file of await filesOf(from)) await copyFile(join(from, file), join(root, file))
    await linkPackages(join(from, 'node_modules'), join(root, 'node_modules'))
    await linkOwnPackages(from, root)
    return tree
  } catch (error) {
    await tree[Symbol.asyncDispose]()
    throw error
  }
}

async function filesOf(root: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: root, maxBuffer: 1 << 26 },
  )
  return stdout.split('\0').filter((file) => file !== '')
}

async function copyFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  // What git still lists may have been deleted since.
  await cp(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** A workspace that needs another version of a package than the root has it in a folder of its own. */
async function linkOwnPackages(from: string, to: string): Promise<void> {
  const workspaces = await readdir(join(to, 'packages')).catch(() => [])
  for (const workspace of workspaces) {
    const own = join('packages', workspace, 'node_modules')
    const isThere = await lstat(join(from, own)).then(Boolean, () => false)
    if (isThere) await symlink(join(from, own), join(to, own))
  }
}

async function linkPackages(from: string, to: string): Promise<void> {
  await mkdir(to)
  for (const name of await readdir(from)) {
    // Tests write their caches there.
    if (name.startsWith('.') && name !== '.bin') continue
    if (name.startsWith('@')) await linkScope(join(from, name), join(to, name))
    else await symlink(join(from, name), join(to, name))
  }
}

async function linkScope(from: string, to: string): Promise<void> {
  await mkdir(to)
  for (const name of await readdir(from)) {
    const isWorkspace = (await lstat(join(from, name))).isSymbolicLink()
    await symlink(isWorkspace ? await readlink(join(from, name)) : join(from, name), join(to, name))
  }
}
