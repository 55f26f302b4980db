/** Writes the generated pages of docs/, or with --check proves that they are what would be written. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { packageRoot } from '../app/package-root.ts'
import { traitsPage } from '../config/jupyterhub/traits-page.ts'
import { referencePage } from '../config/reference-page.ts'
import { checksPage } from '../doctor/checks-page.ts'
import { commandPage } from './command-page.ts'
import { errorsPage } from './errors-page.ts'
import { codesInSources } from './source-codes.ts'

export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/reference/config.md', referencePage()],
    ['docs/reference/jupyterhub-options.md', traitsPage()],
    ['docs/reference/cli.md', await commandPage()],
    ['docs/reference/checks.md', checksPage()],
    ['docs/reference/errors.md', errorsPage(codesInSources(join(packageRoot, 'src')))],
  ])
}

/** Paths whose content is not what would be written. */
export async function stalePages(root: string): Promise<string[]> {
  const pages = await generatedPages()
  return [...pages].filter(([path, text]) => readIfThere(join(root, path)) !== text).map(([path]) => path)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

async function writePages(root: string): Promise<void> {
  for (const [path, text] of await generatedPages()) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = await stalePages(packageRoot)
    for (const path of stale) console.error(`${path} is out of date; npm run docs writes it`)
    process.exitCode = stale.length > 0 ? 1 : 0
  } else await writePages(packageRoot)
}
