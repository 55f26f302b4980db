import { spawnSync } from 'node:child_process'
import { type Stats, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HubError } from '../core/errors.ts'
import { type ConfigTree, isTree } from './config-tree.ts'
import { resolveOrreryTo } from './package-alias.ts'

const NAMES = ['orrery.config.ts', 'orrery.config.js', 'orrery.config.mjs', 'orrery.config.json']

export interface FoundFile {
  readonly path: string
  /** Named by the caller, rather than found in the working folder or in /etc. */
  readonly named: boolean
}

/** `--config`, then `ORRERY_CONFIG`, then the working folder, then `/etc/orrery`. */
export function findConfigFile(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  folder: string = process.cwd(),
): FoundFile | undefined {
  const named = given ?? (env.ORRERY_CONFIG || undefined)
  if (named !== undefined) return { path: resolve(folder, named), named: true }
  for (const place of [folder, '/etc/orrery']) {
    for (const name of NAMES) {
      const path = join(place, name)
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) return { path, named: false }
    }
  }
  return undefined
}

/** A config of JupyterHub rather than one of ours. */
export function isPythonFile(path: string): boolean {
  return extname(path) === '.py'
}

/** Reads or runs the file. Throws HubError `config_invalid` that names the file and, for a syntax error, the line. */
export async function readConfigFile(file: FoundFile): Promise<ConfigTree> {
  assertTrusted(file)
  const content = extname(file.path) === '.json' ? await readJson(file.path) : await runModule(file.path)
  if (!isTree(content)) {
    throw invalid(
      `${file.path}: expected ${extname(file.path) === '.json' ? 'an object' : 'a default export of defineConfig({ ... })'}.`,
    )
  }
  return content
}

/**
 * A config is a program. Root does not run one that it merely came across and that somebody else can write, such as
 * one left in /tmp; naming it with --config is a decision.
 */
function assertTrusted(file: FoundFile): void {
  let facts: Stats
  try {
    facts = statSync(file.path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException // statSync throws system errors
    throw invalid(
      code === 'ENOENT' ? `There is no config file ${file.path}.` : `${file.path} cannot be read (${code}).`,
      cause,
    )
  }
  if (file.named || process.getuid?.() !== 0) return
  const owners = [0, statSync(import.meta.dirname).uid]
  if (owners.includes(facts.uid) && (facts.mode & 0o002) === 0) return
  throw new HubError('config_invalid', {
    status: 500,
    message: `${file.path} can be written by others, so root does not run it unasked.`,
    nextStep: `If it is right, start with --config ${file.path}; else give it to root.`,
  })
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(cause => {
    throw invalid(`${path} cannot be read: ${cause.message}.`, cause)
  })
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(`${path} is not JSON: ${(cause as Error).message}.`, cause) // JSON.parse throws SyntaxError
  }
}

async function runModule(path: string): Promise<unknown> {
  const url = pathToFileURL(path)
  // A changed file is a new module: `config check` in a running process sees it.
  url.searchParams.set('changed', String(statSync(path).mtimeMs))
  resolveOrreryTo(url.href)
  try {
    const module = await import(url.href)
    return module.default
  } catch (cause) {
    throw invalid(explain(path, cause), cause)
  }
}

function explain(path: string, cause: unknown): string {
  const message = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause)
  if (!(cause instanceof SyntaxError)) return `${path} failed: ${message}${placeOf(path, cause)}.`
  // Node tells the line of a syntax error on standard error only, so it is asked once more as a program.
  const check = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' })
  const line = /:(\d+)$/m.exec(check.stderr.split('\n')[0] ?? '')?.[1]
  return `${path}${line ? `, line ${line}` : ''}: ${message}.`
}

function placeOf(path: string, cause: unknown): string {
  const stack = cause instanceof Error ? (cause.stack ?? '') : ''
  const line = stack.split('\n').find(entry => entry.includes(path))
  const number = line && /:(\d+):\d+\)?$/.exec(line)?.[1]
  return number ? ` (line ${number})` : ''
}

function invalid(message: string, cause?: unknown): HubError {
  return new HubError('config_invalid', { status: 500, message, ...(cause !== undefined && { cause }) })
}
