import { registerHooks } from 'node:module'

const modules = new Set<string>()
let registered = false

/**
 * Lets the module with this URL say `import { defineConfig } from 'orrery'` wherever it lies: the name leads to the
 * running package, so a config in /etc is typed and checked by the version that reads it.
 */
export function resolveOrreryTo(moduleUrl: string): void {
  modules.add(moduleUrl)
  if (registered) return
  registered = true
  const own = new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url).href
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'orrery' ? { url: own, shortCircuit: true } : next(specifier, context),
    // Without a package.json beside it, Node would first try the file as CommonJS, and say so on standard error.
    load: (url, context, next) => next(url, modules.has(url) ? { ...context, format: formatOf(url) } : context),
  })
}

function formatOf(url: string): string {
  return new URL(url).pathname.endsWith('.ts') ? 'module-typescript' : 'module'
}
