import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json: of the clone, or of the installed package. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** `src/cli/main.ts` in a clone, `dist/cli/main.js` in the published package; relative to the root. */
export const mainFile = import.meta.url.endsWith('.ts') ? join('src', 'cli', 'main.ts') : join('dist', 'cli', 'main.js')

/** What `bin/browser-code.mjs` builds; missing when that could not be done. */
export const uiFolder = join(packageRoot, 'dist', 'ui')

export const packageVersion: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version
