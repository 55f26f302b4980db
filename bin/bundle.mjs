/**
 * Joins what `tsc` has built, and the packages it needs, into a few files. A process then reads ten files instead of
 * five hundred at its start and leaves out what nobody calls: docs/decisions/0006-published-package-is-bundled.md.
 */
import fs from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** What is started or imported by its path; everything else is reached from these. */
const ENTRIES = [
  'index',
  'cli/main',
  'launcher/pam/pam-child',
  'launcher/sudo-helper',
  'app/start/pki-child',
  'plugin/spawner-contract',
  'proxy/workers/worker',
]
/** With native code, or for one kind of database only. */
const LEFT_OUT = [/^node:/, 'koffi', 'pg', 'pg-native', 'pino-pretty']

/**
 * Replaces the scripts below `dist` by their bundle; declarations stay where they are.
 * @param {string} dist Absolute path.
 */
export async function bundle(dist) {
  const { rolldown } = await import('rolldown')
  const packages = new Set()
  const input = Object.fromEntries(ENTRIES.map(name => [name, join(dist, `${name}.js`)]))
  const program = await rolldown({
    input,
    platform: 'node',
    external: LEFT_OUT,
    plugins: [ownPaths(dist), noting(packages)],
    onLog(level, log, pass) {
      // Packages ask for parts that are not installed and go without; what Orrery itself asks for must be there.
      if (log.code === 'UNRESOLVED_IMPORT' && !log.id?.startsWith(dist)) return
      if (level === 'warn') throw new Error(`bundle: ${log.message}`)
      pass(level, log)
    },
  })
  const { output } = await program.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    // As deep below dist as the modules in it, see `ownPaths`.
    chunkFileNames: 'chunks/[name]-[hash].js',
  })
  await program.close()
  for (const file of fs.globSync('**/*.js', { cwd: dist })) fs.rmSync(join(dist, file))
  for (const { fileName, code } of output) {
    fs.mkdirSync(dirname(join(dist, fileName)), { recursive: true })
    fs.writeFileSync(join(dist, fileName), code)
  }
  fs.writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), licensesOf(packages))
}

/** A module finds templates and programs by where it lies itself; in a bundle it goes on to say so. */
export function ownPaths(dist) {
  return {
    name: 'own-paths',
    transform(code, id) {
      if (!id.startsWith(dist) || !/import\.meta\.(url|filename|dirname)/.test(code)) return undefined
      const path = relative(dist, id)
      if (!path.includes('/')) throw new Error(`${path}: import.meta is known below a folder of dist only`)
      const own = {
        url: `new URL('../${path}', import.meta.url).href`,
        filename: `(import.meta.dirname + '/../${path}')`,
        dirname: `(import.meta.dirname + '/../${dirname(path)}')`,
      }
      return code.replace(/import\.meta\.(url|filename|dirname)/g, (_, name) => own[name])
    },
  }
}

/** Notes which packages have become part of the bundle. */
function noting(packages) {
  return {
    name: 'noting-packages',
    generateBundle(_options, output) {
      for (const chunk of Object.values(output)) {
        for (const [id, { renderedLength }] of Object.entries(chunk.modules ?? {})) {
          const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0]
          if (folder && renderedLength > 0) packages.add(folder.replace('\0', ''))
        }
      }
    },
  }
}

/** Their licences ask for their texts to go along. */
function licensesOf(packages) {
  return [...packages]
    .sort()
    .map(folder => {
      const { name, version, license } = JSON.parse(fs.readFileSync(join(folder, 'package.json'), 'utf8'))
      const file = fs.readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry))
      const text = file ? fs.readFileSync(join(folder, file), 'utf8').trim() : ''
      return `${name} ${version} (${license})\n\n${text}\n`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)
}
