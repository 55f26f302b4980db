/** Who may sign in, and under which name. */
import { z } from 'zod'
import { option, section } from './option.ts'
import { nameList } from './values.ts'

export const accessSection = section({
  allowedUsers: option(nameList.default([]), 'Names that may sign in.', ['ada', 'grace']),
  blockedUsers: option(nameList.default([]), 'Names that may not, whatever else allows them.', ['mallory']),
  adminUsers: option(nameList.default([]), 'Names that may sign in and are administrators.', ['ada']),
  allowAll: option(z.boolean().default(false), 'Everybody who proves who they are may sign in.', true),
  allowExistingUsers: option(z.boolean().optional(), 'Users that the database knows already may sign in.', true, {
    computed: 'true when allowedUsers is not empty',
  }),
  allowedGroups: option(nameList.default([]), 'Members of these groups may sign in; with PAM, groups of Linux too.', [
    'physics',
  ]),
  adminGroups: option(
    nameList.default([]),
    'Members of these groups may sign in and are administrators; with PAM, groups of Linux too.',
    ['wheel'],
  ),
  manageGroups: option(
    z.boolean().default(false),
    'Groups of users are those that the authenticator tells, and `groups` of the config is not used.',
    true,
  ),
  manageRoles: option(
    z.boolean().default(false),
    'Roles of users are those that the authenticator tells; `roles` of the config may not give any to users or groups.',
    true,
  ),
  resetManagedRolesOnStartup: option(
    z.boolean().default(false),
    'At the start, roles and grants by the authenticator that it does not name then are removed.',
    true,
  ),
  deleteInvalidUsers: option(
    z.boolean().default(false),
    'At the start, users whom the authenticator does not take any more (no such Linux account) are deleted.',
    true,
  ),
  usernameMap: option(z.record(z.string(), z.string()).default({}), 'Names that are changed at sign-in, old to new.', {
    'ada.l': 'ada',
  }),
  usernamePattern: option(
    z.string().refine(isPattern, { error: 'expected a regular expression' }).default(''),
    'Regular expression that a whole name must match.',
    '[a-z][a-z0-9]*',
  ),
})

function isPattern(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}
