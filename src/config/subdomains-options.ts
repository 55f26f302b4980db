import { isIP } from 'node:net'
import { z } from 'zod'
import type { SubdomainHook } from '../core/subdomain-names.ts'
import { functionOf } from './functions.ts'
import { option } from './option.ts'

/** JupyterHub's `subdomain_host` and `subdomain_hook`. */
export const subdomainOptions = {
  subdomainHost: option(
    z
      .string()
      .refine(isSite, { error: 'expected scheme and host of the hub, such as https://hub.example.org, no path' })
      .transform(text => new URL(text).origin)
      .optional(),
    'The hub lies on this host, and every user and service on one of its own below it: `alice.hub.example.org`.',
    'https://hub.example.org',
    { computed: 'one host for all' },
  ),
  subdomainHook: option(
    z.union([z.enum(['idna', 'legacy']), functionOf<SubdomainHook>()]).default('idna'),
    "How names become hosts: `idna` makes valid ones of all, `legacy` is JupyterHub's rule before its version 5, a function gives its own.",
    "(name, domain, kind) => kind + '-' + name + '.' + domain",
  ),
}

/** Below an IP address there are no hosts. */
function isSite(text: string): boolean {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return false
  const isName = !isIP(url.hostname.replace(/^\[|\]$/g, '')) && !url.hostname.endsWith('.')
  return isName && url.pathname === '/' && url.search === '' && url.hash === '' && !/[?#]/.test(text)
}
