/** What the documentation says is true where a machine can tell: links, configs, commands, options, variables. */
import assert from 'node:assert/strict'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Command } from 'commander'
import { orreryProgram } from '../src/cli/main.ts'
import { loadConfig } from '../src/config/load-config.ts'
import { allOptions } from '../src/config/option-names.ts'
import { codeBlocks, headingAnchors, inlineCode, linkTargets } from './support/markdown.ts'

const root = resolve(import.meta.dirname, '..')
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root })
  .sort()
  .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
const scripts = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts)

describe('documentation', () => {
  it('links to files and headings that are there', () => {
    const broken = pages.flatMap(({ path, text }) =>
      linkTargets(text)
        .filter(target => !/^[a-z]+:/.test(target) && !isThere(path, target))
        .map(target => `${path}: ${target}`),
    )

    assert.deepEqual(broken, [])
  })

  it('can be reached from its index', () => {
    const index = pages.find(({ path }) => path === 'docs/README.md')!
    const linked = linkTargets(index.text).map(target => join('docs', target.split('#')[0]!))

    assert.deepEqual(
      pages
        .map(({ path }) => path)
        .filter(path => path.startsWith('docs/') && path !== index.path && !linked.includes(path)),
      [],
    )
  })

  it('names no folder of a machine that it was written on', () => {
    const places = pages.flatMap(({ path, text }) =>
      (text.match(/(?<![\w.~-])\/(?:work|tmp\/brief|opt\/ref|var\/tmp|workspace)\b\S*/g) ?? []).map(
        place => `${path}: ${place}`,
      ),
    )

    assert.deepEqual(places, [])
  })

  it('names options and variables that exist', () => {
    const sections = new Set(allOptions.filter(({ at }) => at.length > 1).map(({ at }) => at[0]))
    const paths = new Set(allOptions.map(({ path }) => path))
    const variables = new Set(
      allOptions.flatMap(({ environmentName: name, secret }) => (secret ? [name, `${name}_FILE`] : [name])),
    )
    const unknown = pages.flatMap(({ path, text }) => {
      const options = inlineCode(text).filter(
        code => /^[a-z]\w*\.[a-z]\w*$/i.test(code) && sections.has(code.split('.')[0]) && !code.endsWith('.log'),
      )
      const named = text.match(/\bORRERY_[A-Z_]+[A-Z]\b/g) ?? []
      return [
        ...options.filter(option => !paths.has(option)),
        ...named.filter(name => !variables.has(name) && !/^ORRERY_(CONFIG(_PYTHON)?$|TEST_)/.test(name)),
      ].map(name => `${path}: ${name}`)
    })

    assert.deepEqual(unknown, [])
  })
})

describe('configs in the documentation', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-docs-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const examples = pages.flatMap(({ path, text }) =>
    codeBlocks(text)
      .filter(({ language }) => language === 'ts')
      .map(({ code, line }) => ({ place: `${path}, line ${line}`, code })),
  )

  it('are there', () => assert.ok(examples.filter(({ code }) => code.includes('defineConfig(')).length > 8))

  for (const { place, code } of examples) {
    it(`are right: ${place}`, async () => {
      if (!code.includes('defineConfig(')) {
        stripTypeScriptTypes(code)
        return
      }
      const own = mkdtempSync(join(folder, 'config-'))
      // Secrets that an example reads from /etc/orrery are there, and are long enough.
      for (const [, name] of code.matchAll(/file: '\/etc\/orrery\/([\w.-]+)'/g)) {
        writeFileSync(join(own, name!), `${name}-`.repeat(8), { mode: 0o600 })
      }
      mkdirSync(join(own, 'templates'))
      const path = join(own, 'orrery.config.ts')
      writeFileSync(path, code.replaceAll('/etc/orrery/', `${own}/`))

      await loadConfig({ path, env: {}, folder: own })
    })
  }
})

describe('commands in the documentation', () => {
  it('exist, with their flags', async () => {
    const program = await orreryProgram()
    assert.deepEqual(faultsOf(program, 'user add ada --amdin'), ['unknown option --amdin'])
    assert.deepEqual(faultsOf(program, 'user remove'), ['unknown command remove'])
    assert.ok(pages.flatMap(({ text }) => commandLines(text)).length > 40)
    const wrong = pages.flatMap(({ path, text }) =>
      commandLines(text).flatMap(line => faultsOf(program, line).map(fault => `${path}: ${fault} in "${line}"`)),
    )

    assert.deepEqual(wrong, [])
  })

  it('are npm scripts that exist', () => {
    const named = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script]) => ({ path, script: script! })),
    )

    assert.ok(named.length > 5)
    assert.deepEqual(
      named.filter(({ script }) => !scripts.includes(script)),
      [],
    )
  })
})

function isThere(from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? join(root, from) : resolve(root, dirname(from), file)
  if (relative(root, path).startsWith('..')) return false
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found || anchor === undefined) return found !== undefined
  return headingAnchors(readFileSync(path, 'utf8')).has(anchor)
}

/** `orrery ...` of code spans and shell blocks, also behind variables, `&&` and `npm start --`. */
function commandLines(text: string): string[] {
  const shell = codeBlocks(text)
    .filter(({ language }) => ['sh', 'bash', 'ini', ''].includes(language))
    .flatMap(({ code }) => code.replaceAll('\\\n', ' ').split('\n'))
  return [...inlineCode(text), ...shell]
    .map(line => line.replace(/\s#.*$/, '').replace(/\bnpm start --\s/, 'orrery start '))
    .flatMap(line => line.split(/&&|\|+|;/))
    .flatMap(part => /^\s*(?:\w+=(?:'[^']*'|\S*)\s+)*(?:\w+=)?(?:\S*\/)?orrery\s+(.*)$/.exec(part)?.[1] ?? [])
    .map(rest => rest.trim())
    .filter(rest => /^[a-z-]/.test(rest)) // not `orrery COMMAND`
}

function faultsOf(program: Command, line: string): string[] {
  let command = program
  const words = line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []
  const faults: string[] = []
  for (const word of words) {
    const name = word.split('=')[0]!
    if (name.startsWith('-')) {
      const known = [command, program].some(one =>
        one.options.some(option => option.long === name || option.short === name),
      )
      if (!known && !['--help', '-h'].includes(name)) faults.push(`unknown option ${name}`)
      continue
    }
    const inner = command.commands.find(one => one.name() === word)
    if (inner) command = inner
    else if (command.commands.length > 0 && /^[a-z]/.test(word)) faults.push(`unknown command ${word}`)
  }
  return faults
}
