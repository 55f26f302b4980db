/** Starts single-user servers as forks of a process that has imported their modules, where that can be. */
import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { background } from '../../core/runtime.ts'
import { isRoot, type LauncherOptions } from '../options.ts'
import { assertUnmovable } from '../private-directory.ts'
import { type Forker, ForkerGone, openForker } from './forker.ts'
import { FORKER_PROGRAM } from './forker-python.ts'
import { type KeptForker, withKnownEnd } from './forkers.ts'
import { type PreloadableCommand, preloadable } from './preloadable.ts'

type Options = Pick<
  LauncherOptions,
  'commands' | 'preload' | 'preloadAfter' | 'environment' | 'allowedEnvironment' | 'path' | 'log'
>

/** A loaded machine may take its time for some thousand files. */
const READY_WITHIN_MS = 180_000
/**
 * Isolated, and without what an environment adds to the search path: the program adds it when it can look at it. Modules
 * of the standard library come from their files, which debuggers of kernels ask for.
 */
const FLAGS = ['-I', '-S', '-B', '-X', 'frozen_modules=off'] as const
/** Room for the command lines and environments that servers show, see appearance.py. */
const ARGUMENT_ROOM = ' '.repeat(4096)
const ENVIRONMENT_ROOM = ' '.repeat(32 * 1024)

/** Read when modules are imported. What a hub may hand on to all servers is no secret among them; nothing else is. */
const PROXIES = ['http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']

/** One environment: what has been imported, and from which state of it. */
interface Preload extends PreloadableCommand {
  forker?: Forker | undefined
  /** The state of the forker, or of the last one that could not be opened. */
  stamp?: Readonly<Record<string, string>> | undefined
  opening: boolean
}

/** Falls back to `plain` for other programs, while a preloader is being made, and where there can be none. */
export function preloadingForker(plain: KeptForker, options: Options): KeptForker {
  const { log } = options
  const preloads: Preload[] = []
  const opened = new Set<Forker>()
  const closing = new AbortController()
  if (options.preload !== 'off') {
    const found = options.commands.map(preloadable).filter(each => each !== undefined)
    for (const each of found) {
      if (preloads.some(({ command }) => command.join('\0') === each.command.join('\0'))) continue
      preloads.push({ ...each, opening: false })
    }
  }
  const openAll = () => {
    for (const preload of preloads) if (!preload.opening && !preload.stamp && !closing.signal.aborted) open(preload)
  }
  if (options.preloadAfter) background(options.preloadAfter.then(openAll), 'preload', log)
  else openAll()

  function open(preload: Preload): void {
    preload.opening = true
    const task = openPreloader(preload, options, closing.signal)
      .then(forker => use(preload, forker))
      .catch(error => {
        if (closing.signal.aborted) return
        // Tried again when its packages change.
        preload.stamp = stampOf(Object.keys(preload.stamp ?? foldersOf(preload)))
        const reason = error instanceof Error ? error.message : String(error)
        log.warn({ command: preload.command, reason }, 'servers of this program cannot be preloaded')
      })
      .finally(() => {
        preload.opening = false
      })
    background(task, 'preload', log)
  }

  function use(preload: Preload, forker: Forker): void {
    if (closing.signal.aborted) return void forker.close()
    opened.add(forker)
    // Servers of the one before still have it as their parent, who tells how they end.
    preload.forker?.retire()
    preload.forker = forker
    preload.stamp = forker.stamp
    log.info({ command: preload.command, pid: forker.pid, python: forker.python }, 'servers are preloaded')
    background(
      forker.gone.then(() => {
        opened.delete(forker)
        if (preload.forker !== forker) return
        preload.forker = undefined
        preload.stamp = undefined
        if (!closing.signal.aborted) log.error({ pid: forker.pid }, 'preloader has ended, servers go on')
      }),
      'preloader',
      log,
    )
  }

  /** That of the program, when it is of the present state of its environment; else one is made for the next start. */
  function preloaderOf(argv: readonly string[]): Forker | undefined {
    const preload = preloads.find(({ command }) => command.every((word, at) => argv[at] === word))
    if (!preload) return undefined
    const current = preload.stamp !== undefined && isPresent(preload.stamp)
    if (!current && !preload.opening) open(preload)
    return current ? preload.forker : undefined
  }

  return {
    async fork(order) {
      const forker = preloaderOf(order.argv)
      if (!forker) return await plain.fork(order)
      try {
        return withKnownEnd(await forker.fork(order), forker.gone)
      } catch (error) {
        if (!(error instanceof ForkerGone)) throw error
        return await plain.fork(order)
      }
    },
    async close() {
      closing.abort()
      await Promise.all([plain.close(), ...[...opened].map(forker => forker.close())])
    },
  }
}

/** Throws Error with the reason why this environment is not preloaded. */
async function openPreloader(
  { command, python }: PreloadableCommand,
  options: Options,
  signal: AbortSignal,
): Promise<Forker> {
  const [program = ''] = command
  if (isRoot()) for (const path of placesOf(python, program)) assertUnmovable(path)
  const words = preloaderCommand(python, ['preload', program, levelOf(options)])
  const env = preloaderEnvironment(options)
  return await openForker(words, { env, log: options.log, timeoutMs: READY_WITHIN_MS, signal })
}

/** `words` are for `python/launcher/__main__.py`, which finds room behind them. */
export function preloaderCommand(
  python: string,
  words: readonly string[],
  program = FORKER_PROGRAM,
): [string, ...string[]] {
  return [python, ...FLAGS, program, ...words, ARGUMENT_ROOM]
}

export function preloaderEnvironment(
  options: Pick<LauncherOptions, 'allowedEnvironment' | 'environment' | 'path'>,
): Record<string, string> {
  const inherited = PROXIES.filter(name => options.allowedEnvironment.includes(name) && process.env[name] !== undefined)
  return {
    ...Object.fromEntries(inherited.map(name => [name, process.env[name]!])), // just looked at
    ...options.environment,
    PATH: options.path,
    HOME: '/',
    ORRERY_ROOM: ENVIRONMENT_ROOM,
  }
}

export const levelOf = ({ preload }: Pick<LauncherOptions, 'preload'>) => (preload === 'auto' ? 'kernels' : 'servers')

/** What is run or read before the process can look for itself where code comes from. */
export function placesOf(python: string, program: string): string[] {
  const real = realpathSync(python)
  const places = [python, real, join(dirname(real), '../lib'), join(dirname(python), '..'), program]
  return places.filter(path => existsSync(path)).map(path => (path === python ? dirname(path) : path))
}

/** Where packages come and go, for an environment that could not be asked. */
export function foldersOf({ python }: PreloadableCommand): Record<string, string> {
  return Object.fromEntries([join(dirname(python), '../lib')].map(path => [path, '']))
}

export function stampOf(folders: readonly string[]): Record<string, string> {
  return Object.fromEntries(folders.map(folder => [folder, changedAt(folder)]))
}

export function isPresent(stamp: Readonly<Record<string, string>>): boolean {
  return Object.entries(stamp).every(([folder, changed]) => changedAt(folder) === changed)
}

/** Nanoseconds; installing, upgrading and removing a package changes the folder that holds it. */
function changedAt(folder: string): string {
  return statSync(folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs.toString() ?? ''
}
