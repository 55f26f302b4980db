/** systemd is asked with its own programs: docs/decisions/0010-systemd-by-its-own-programs.md */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)
const TOOL = { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }, timeout: 60_000 }

/** Is systemd this machine's process 1? sd_booted(3) */
export function hasSystemd(): boolean {
  return existsSync('/run/systemd/system')
}

/** Starts a transient unit and waits until its program has begun. Rejects with what systemd-run has printed. */
export async function systemdRun(unit: string, flags: readonly string[], command: readonly string[]): Promise<void> {
  const fixed = ['--quiet', '--no-ask-password', '--collect', '--service-type=exec', `--unit=${unit}`]
  await run('systemd-run', [...fixed, ...flags, '--', ...command], TOOL)
}

/** Properties of a unit; those of one that is not there have their defaults. */
export async function showUnit<Name extends string>(unit: string, ...names: Name[]): Promise<Record<Name, string>> {
  const { stdout } = await run('systemctl', ['show', `--property=${names.join(',')}`, '--', unit], TOOL)
  const lines = stdout.split('\n').map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
  return { ...Object.fromEntries(names.map(name => [name, ''])), ...Object.fromEntries(lines) } as Record<Name, string> // one line each
}

/** Ends a unit and waits until it and all its processes are gone. One that is not there is no error. */
export async function stopUnit(unit: string): Promise<void> {
  for (const verb of ['stop', 'reset-failed']) {
    await run('systemctl', [verb, '--quiet', '--no-ask-password', '--', unit], TOOL).catch(error => {
      // 5: not loaded, as nearly always the second time (systemctl(1), EXIT STATUS).
      if (![1, 5].includes((error as { code?: number }).code ?? 0)) throw error
    })
  }
}
