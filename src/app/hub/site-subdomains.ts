import type { Config } from '../../config/schema.ts'
import { printable } from '../../core/names.ts'
import type { Logger } from '../../core/runtime.ts'
import { createSubdomains, type Subdomains } from '../../core/subdomains.ts'

/** Undefined where all share one host. */
export function siteSubdomains(
  { subdomainHost, subdomainHook }: Pick<Config, 'subdomainHost' | 'subdomainHook'>,
  log: Logger,
): Subdomains | undefined {
  if (subdomainHost === undefined) return undefined
  const told = new Set<string>()
  return createSubdomains({
    host: subdomainHost,
    hook: subdomainHook,
    onWrongHost(name, answer) {
      if (told.has(name)) return
      told.add(name)
      const given = answer instanceof Error ? { err: answer } : { answer: printable(String(answer)) }
      log.error({ name, ...given }, 'subdomainHook gave no host below subdomainHost, the name gets its idna host')
    },
  })
}
