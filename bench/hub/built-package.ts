import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const repository = join(import.meta.dirname, '../..')

/**
 * Orrery as people get it: built, not the TypeScript of a clone, which Node strips at each start (30 MB of memory a
 * process). `bin` is its `orrery.mjs`.
 */
export function buildPackage(): { bin: string; remove(): void } {
  execFileSync(process.execPath, [join(repository, 'bin/dev.mjs'), 'build'], { stdio: ['ignore', 'ignore', 'ignore'] })
  const dir = mkdtempSync(join(tmpdir(), 'orrery-built-'))
  chmodSync(dir, 0o755) // the user of the hub runs it, too
  for (const part of ['bin', 'dist', 'python', 'package.json']) {
    cpSync(join(repository, part), join(dir, part), { recursive: true })
  }
  symlinkSync(join(repository, 'node_modules'), join(dir, 'node_modules'))
  return { bin: join(dir, 'bin/orrery.mjs'), remove: () => rmSync(dir, { recursive: true }) }
}
