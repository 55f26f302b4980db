import { isIP } from 'node:net'
import type { z } from 'zod'

interface Checked {
  readonly access: { readonly manageGroups: boolean; readonly manageRoles: boolean }
  readonly groups: Readonly<Record<string, unknown>>
  readonly roles?:
    | readonly { name: string; users?: readonly string[] | undefined; groups?: readonly string[] | undefined }[]
    | undefined
  readonly publicUrl?: string | undefined
  readonly subdomainHost?: string | undefined
  readonly servers: {
    readonly profiles: readonly unknown[]
    readonly optionsForm?: unknown
    readonly applyUserOptions?: unknown
  }
  readonly proxy: {
    readonly tls: { readonly acme: { readonly enabled: boolean }; readonly names?: readonly string[] | undefined }
  }
  readonly cookies: { readonly domain?: string | undefined }
}

/** Options that are right by themselves and not together. */
export function findConflicts(config: Checked, context: z.RefinementCtx): void {
  findSubdomainConflicts(config, context)
  findManagedConflicts(config, context)
  findFormConflicts(config, context)
  findAcmeConflicts(config, context)
}

/** Authorities of the Internet know no addresses and no names of one machine alone. */
function findAcmeConflicts({ proxy: { tls }, publicUrl, subdomainHost }: Checked, context: z.RefinementCtx): void {
  if (!tls.acme.enabled || tls.names !== undefined) return
  const host = URL.parse(publicUrl ?? subdomainHost ?? '')?.hostname
  if (host && !isIP(host.replace(/^\[|\]$/g, '')) && host !== 'localhost') return
  const message = 'expected the names that people type, here or in publicUrl, with proxy.tls.acme'
  context.addIssue({ code: 'custom', path: ['proxy', 'tls', 'names'], message, input: undefined })
}

/** Both say what options there are and what becomes of them. */
function findFormConflicts({ servers }: Checked, context: z.RefinementCtx): void {
  if (servers.profiles.length === 0) return
  for (const name of ['optionsForm', 'applyUserOptions'] as const) {
    if (servers[name] === undefined) continue
    const message = 'expected none with servers.profiles, which say what people choose'
    context.addIssue({ code: 'custom', path: ['servers', name], message, input: undefined })
  }
}

function findSubdomainConflicts({ publicUrl, subdomainHost, cookies }: Checked, context: z.RefinementCtx): void {
  if (subdomainHost === undefined) return
  const refuse = (path: string[], message: string) =>
    context.addIssue({ code: 'custom', path, message, input: undefined })
  if (publicUrl !== undefined && URL.parse(publicUrl)?.origin !== subdomainHost) {
    refuse(['publicUrl'], `expected an address of subdomainHost: ${subdomainHost}`)
  }
  if (cookies.domain !== undefined) {
    refuse(
      ['cookies', 'domain'],
      'expected none with subdomainHost: servers would get the login cookies of their visitors',
    )
  }
}

/** JupyterHub does not start with these either. */
function findManagedConflicts({ access, groups, roles = [] }: Checked, context: z.RefinementCtx): void {
  if (access.manageGroups && Object.keys(groups).length > 0) {
    const message = 'expected none: the authenticator manages groups (access.manageGroups)'
    context.addIssue({ code: 'custom', path: ['groups'], message, input: undefined })
  }
  if (!access.manageRoles) return
  for (const [index, role] of roles.entries()) {
    const field = role.users?.length ? 'users' : role.groups?.length ? 'groups' : undefined
    if (field === undefined) continue
    const message = 'expected none: the authenticator says who holds roles (access.manageRoles)'
    context.addIssue({ code: 'custom', path: ['roles', index, field], message, input: undefined })
  }
}
