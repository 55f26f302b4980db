/**
 * Builds what browsers run, from `ui/` to `dist/ui/`, where the hub looks for it. In a clone that happens at the first
 * start and after a change of the sources; the published package brings the result. See docs/decisions/0007.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { ensurePackages, findNode, isCheckout, root } from './bootstrap.mjs'

const sources = join(root, 'ui')
const target = join(root, 'dist', 'ui')
/** Holds the hash of what was built. */
const STAMP = 'built-from'

/**
 * Never fails: without this code the hub runs, and its admin page says what is missing.
 * @returns {Promise<boolean>} whether the built files are there and belong to the sources.
 */
export async function ensureBrowserCode() {
  if (!isCheckout) return true
  const hash = sourceHash()
  if (readStamp() === hash) return true
  const began = Date.now()
  process.stderr.write('Building the admin page (once) ...\n')
  try {
    await build(hash)
    process.stderr.write(`Built in ${((Date.now() - began) / 1000).toFixed(1)} s.\n`)
    return true
  } catch (error) {
    if (readStamp() === hash) return true // another start was quicker
    process.stderr.write(`orrery: the admin page could not be built: ${error.message}\n`)
    process.stderr.write(`        Everything else works. Run "npm run build:ui" in ${root} as its owner.\n`)
    return false
  }
}

/** Into a folder of its own first: another start may be doing the same, and a running hub reads the old one. */
async function build(hash) {
  const unfinished = `${target}.${process.pid}`
  // Readable by the user that the hub of root runs as, whatever the umask.
  const umask = process.umask(0o022)
  try {
    mkdirSync(dirname(target), { recursive: true })
    await runVite(unfinished)
    compress(unfinished)
    writeFileSync(join(unfinished, STAMP), `${hash}\n`)
    const former = `${unfinished}.former`
    if (existsSync(target)) renameSync(target, former)
    renameSync(unfinished, target)
    rmSync(former, { recursive: true, force: true })
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
    process.umask(umask)
  }
}

function runVite(outDir) {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const args = [vite, 'build', sources, '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn']
  const child = spawn(findNode(), args, {
    cwd: sources,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', status =>
      status === 0 ? resolve() : reject(new Error(`vite ended with ${status ?? 'a signal'}; its message is above`)),
    )
  })
}

/** Beside the files, so that the hub sends them as small as they can be without working at it. */
function compress(folder) {
  for (const name of readdirSync(folder).filter(name => /\.(js|css)$/.test(name))) {
    const content = readFileSync(join(folder, name))
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content))
    writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }))
  }
}

function readStamp() {
  try {
    return readFileSync(join(target, STAMP), 'utf8').trim()
  } catch {
    return undefined
  }
}

/** What the programs share with the hub; `src/architecture.test.ts` allows no more. */
const shared = join(root, 'src/core/for-browsers')

/** Of everything that goes into the build: the sources, this file, and the packages by the lock file. */
function sourceHash() {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(readFileSync(fileURLToPath(import.meta.url)))
  for (const file of [...filesBelow(sources), ...filesBelow(shared)]) {
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update('\0')
  }
  return hash.digest('hex')
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.name !== 'node_modules' && !entry.name.includes('.test.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(entry => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return filesBelow(path)
      return entry.isFile() ? [path] : []
    })
}

// `npm run build:ui`
if (realpathSync(process.argv[1] ?? '.') === fileURLToPath(import.meta.url)) {
  await ensurePackages('production')
  if (!(await ensureBrowserCode())) process.exitCode = 1
}
