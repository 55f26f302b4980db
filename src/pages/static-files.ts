/**
 * The files under `static/`, each with a hash of its content, so that `static_url()` gives an address that may be kept
 * for ever and changes when the file does. The hash is a `v` argument, as JupyterHub writes it.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const staticFolder = fileURLToPath(new URL('./static/', import.meta.url))

/** Content hashes by path below `static/`: `{ 'style.css' => '3f2a…' }`. A folder that is not there has no files. */
export function hashStaticFiles(folder: string = staticFolder, prefix = ''): ReadonlyMap<string, string> {
  if (!existsSync(folder)) return new Map()
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return new Map(
    files.map(entry => {
      const path = join(entry.parentPath, entry.name)
      return [prefix + relative(folder, path).replaceAll('\\', '/'), contentHash(readFileSync(path))]
    }),
  )
}

export function contentHash(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16)
}
