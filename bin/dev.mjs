#!/usr/bin/env node
/** The tools of whoever works on Orrery: `node bin/dev.mjs test|check|bench|docs|build`, reached through npm scripts. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join, relative } from 'node:path'
import { becomeProcess, ensurePackages, fail, findNode, root } from './bootstrap.mjs'
import { ensureBrowserCode } from './browser-code.mjs'
import { bundle } from './bundle.mjs'

const USAGE = `usage: node bin/dev.mjs COMMAND
  test [integration|e2e|conformance] [FILES]   run tests; without a kind, the unit tests beside the sources
  check [--static]                             format, lint, types, unit tests
  bench [ARGS]                                 side-by-side measurements
  docs [--check]                               write the generated pages, or prove that they are fresh
  build                                        dist/, as npm publishes it
`

const UNIT_TESTS = ['src/**/*.test.ts', 'ui/src/**/*.test.ts', 'test/*.test.ts']

const [command, ...args] = process.argv.slice(2)
const commands = { test, check, bench, docs, build }
if (!Object.hasOwn(commands, command ?? '')) {
  process.stderr.write(USAGE)
  process.exit(command === undefined || command.startsWith('-') ? 0 : 2)
}
process.chdir(root)
await ensurePackages('all')
// Under the Node that people have, this file only installs; the rest may use what the Node of the package can do.
if (process.execPath === findNode()) await commands[command](args)
else becomeProcess(findNode(), process.argv.slice(1))

function test(args) {
  const kinds = ['integration', 'e2e', 'conformance']
  const kind = kinds.includes(args[0]) ? args[0] : undefined
  const rest = kind ? args.slice(1) : args
  const files = rest.filter(arg => !arg.startsWith('-'))
  const patterns = files.length > 0 ? files : kind ? [`test/${kind}/**/*.test.ts`] : UNIT_TESTS
  const found = globFiles(patterns)
  if (found.length === 0) fail(`no test file matches ${patterns.join(' ')}`, undefined, 2)
  const options = rest.filter(arg => arg.startsWith('-'))
  // Browser tests share one machine's eyes and ears: one after the other.
  const concurrency = kind === undefined ? 2 : 1
  becomeProcess(process.execPath, ['--test', `--test-concurrency=${concurrency}`, ...options, ...found])
}

function check(args) {
  const good = [
    run('format and lint', tool('biome'), ['check', '--error-on-warnings']),
    run('types', tool('tsc'), ['-p', 'tsconfig.json']),
    run('types of ui', tool('tsc'), ['-p', 'ui/tsconfig.json']),
  ]
  if (good.includes(false)) process.exit(1)
  if (!args.includes('--static')) test([])
}

function bench(args) {
  becomeProcess(process.execPath, ['bench/run.ts', ...args])
}

function docs(args) {
  becomeProcess(process.execPath, ['src/cli/write-docs.ts', ...args])
}

async function build() {
  fs.rmSync('dist', { recursive: true, force: true })
  if (!run('types', tool('tsc'), ['-p', 'tsconfig.build.json'])) process.exit(1)
  await bundle(join(root, 'dist'))
  // Templates, style sheets and tables lie beside the code that reads them, in src/ as in dist/.
  for (const file of globFiles(['src/**/*'])) {
    if (!/\.(ts|tsx)$/.test(file)) fs.cpSync(file, join('dist', relative('src', file)))
  }
  if (!(await ensureBrowserCode())) process.exit(1)
}

function run(what, program, args) {
  process.stderr.write(`${what} ...\n`)
  return spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' }).status === 0
}

/** The script behind `node_modules/.bin/NAME`, run by our Node rather than by whichever is on the path. */
function tool(name) {
  return { biome: 'node_modules/@biomejs/biome/bin/biome', tsc: 'node_modules/typescript/bin/tsc' }[name]
}

function globFiles(patterns) {
  const entries = fs.globSync(patterns, { withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}
