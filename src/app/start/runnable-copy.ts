/**
 * A copy of the program that every Linux user can read. Hub and proxy run as a user without rights, who cannot look
 * into a clone in /root; the copy has in it what running takes and nothing else, and belongs to root.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { isReachableByAll } from './reachable-by-all.ts'

export interface Runnable {
  readonly root: string
  readonly node: string
}

export interface Program extends Runnable {
  /** Relative to the root. */
  readonly main: string
}

/** The program itself when everybody can read it, else a copy below `folder`, made once for each state of it. */
export function runnableByAll(program: Program, folder: string): Runnable {
  if (isReachableByAll(join(program.root, program.main)) && isReachableByAll(program.node)) return program
  return copyForAll(program, folder)
}

export function copyForAll(program: Program, folder: string): Runnable {
  const sources = dirname(dirname(program.main)) // src or dist
  const parts = [sources, 'bin', 'python', 'package.json', ...(sources === 'src' ? [join('dist', 'ui')] : [])].filter(
    part => existsSync(join(program.root, part)),
  )
  const copy = join(folder, fingerprint(program, parts))
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}`
    rmSync(unfinished, { recursive: true, force: true })
    for (const part of parts) copyTree(join(program.root, part), join(unfinished, part))
    for (const { from, to } of packagesOf(program.root)) copyTree(from, join(unfinished, to))
    mkdirSync(join(unfinished, '.node'), { recursive: true })
    copyTree(program.node, join(unfinished, '.node', 'node'))
    openToAll(unfinished)
    renameSync(unfinished, copy)
  }
  utimesSync(copy, new Date(), new Date())
  removeOld(folder)
  return { root: copy, node: join(copy, '.node', 'node') }
}

/** Changes with every changed file of the program; packages change with the lock file alone. */
function fingerprint(program: Program, parts: readonly string[]): string {
  const hash = createHash('sha256').update(process.versions.node)
  const lock = join(program.root, 'package-lock.json')
  if (existsSync(lock)) hash.update(readFileSync(lock))
  for (const path of globSync(
    parts.map(part => (part.includes('.') ? part : `${part}/**/*`)),
    { cwd: program.root },
  ).sort()) {
    const { size, mtimeMs } = statSync(join(program.root, path))
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex').slice(0, 12)
}

/** Packages that running takes, from package.json's dependencies on, each with where it lies. */
function packagesOf(root: string): { from: string; to: string }[] {
  const found = new Map<string, string>()
  const visit = (folder: string) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      // The Node that runs is copied by itself.
      if (folder === root && /^node-(linux|bin)-/.test(name)) continue
      const place = findPackage(name, folder)
      if (place === undefined || found.has(place)) continue
      const inside = relative(root, place)
      found.set(place, inside.startsWith('..') ? join('node_modules', name) : inside)
      visit(place)
    }
  }
  visit(root)
  return [...found].map(([from, to]) => ({ from, to }))
}

function findPackage(name: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const place = join(at, 'node_modules', name)
    if (existsSync(join(place, 'package.json'))) return place
    if (at === dirname(at)) return undefined // an optional one of another platform
  }
}

/** Without nested packages, which are visited on their own. */
function copyTree(from: string, to: string): void {
  const nested = join(from, 'node_modules')
  cpSync(from, to, { recursive: true, dereference: true, filter: path => path !== nested })
}

/** Readable, and runnable what its owner can run, whatever the umask was with which it was cloned or copied. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    chmodSync(path, entry.isDirectory() || (statSync(path).mode & 0o100) !== 0 ? 0o755 : 0o644)
  }
}

/** The one in use and the one before stay: what still runs may load a file late. */
function removeOld(folder: string): void {
  const copies = readdirSync(folder).map(name => join(folder, name))
  const newestFirst = copies.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  for (const copy of newestFirst.slice(2)) rmSync(copy, { recursive: true, force: true })
}
