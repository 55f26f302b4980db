/** Which programs are single-user servers of Python's whose modules can be imported beforehand. */
import { closeSync, openSync, readSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/** A command, and the Python that runs it. */
export interface PreloadableCommand {
  readonly command: readonly string[]
  /** As the command names it: where it lies tells Python which environment it belongs to. */
  readonly python: string
}

const SCRIPTS: readonly string[] = ['jupyterhub-singleuser', 'jupyter-labhub']
const MODULES: readonly string[] = ['jupyterhub.singleuser']
const HEAD_BYTES = 1024

/** Undefined for other programs. */
export function preloadable(command: readonly string[]): PreloadableCommand | undefined {
  const [program = '', flag, module = ''] = command
  if (isPython(program) && flag === '-m' && MODULES.includes(module)) return { command, python: program }
  if (!SCRIPTS.includes(basename(program))) return undefined
  const python = interpreterOf(headOf(program))
  return python === undefined ? undefined : { command, python }
}

/** After `#!`, or in the second line of the shell script that pip writes where that would be too long. */
function interpreterOf(head: string): string | undefined {
  const [, direct] = /^#![ \t]*(\/\S+)/.exec(head) ?? []
  const [, long] = /^#!\/bin\/sh\n'''exec' "?(\/[^"\n]+?)"? "\$0"/.exec(head) ?? []
  const python = long ?? direct
  return python !== undefined && isPython(python) ? python : undefined
}

function isPython(program: string): boolean {
  return /^(python|pypy)[\d.]*$/.test(basename(program)) && dirname(program) !== '.'
}

function headOf(path: string): string {
  try {
    const fd = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(HEAD_BYTES)
      return bytes.toString('utf8', 0, readSync(fd, bytes))
    } finally {
      closeSync(fd)
    }
  } catch {
    return ''
  }
}
