import type { z } from 'zod'

interface Managed {
  readonly access: { readonly manageGroups: boolean; readonly manageRoles: boolean }
  readonly groups: Readonly<Record<string, unknown>>
  readonly roles?:
    | readonly { name: string; users?: readonly string[] | undefined; groups?: readonly string[] | undefined }[]
    | undefined
}

/** Options that are right by themselves and not together: JupyterHub does not start with them either. */
export function findConflicts({ access, groups, roles = [] }: Managed, context: z.RefinementCtx): void {
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
