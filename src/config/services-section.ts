import { z } from 'zod'
import { isValidRoleName } from '../core/names.ts'
import { defaultRoles } from '../core/scopes/default-roles.ts'
import { texts } from './servers-section.ts'
import { serviceClientId, serviceName, serviceRedirectUri, serviceUrl } from './service-fields.ts'
import { duration, nameList, secretText } from './values.ts'

/** Whether it exists is seen when the custom scopes are known: `scopes-section.ts`. */
const scope = z.string().min(1)

const command = z.union([
  z
    .string()
    .min(1)
    .transform(program => [program]),
  z.array(z.string().min(1)).min(1),
])

const service = z
  .strictObject({
    name: serviceName,
    url: serviceUrl.optional(),
    command: command.optional(),
    cwd: z.string().startsWith('/', { error: 'expected an absolute path' }).optional(),
    environment: texts.default({}),
    user: z.string().min(1).optional(),
    apiToken: secretText
      .refine(token => /^\S{8,64}$/.test(token), { error: 'expected 8 to 64 characters without blanks' })
      .optional(),
    admin: z.boolean().default(false),
    display: z.boolean().default(true),
    info: z.record(z.string(), z.json()).default({}),
    oauthClientId: serviceClientId.optional(),
    oauthRedirectUri: serviceRedirectUri.optional(),
    oauthNoConfirm: z.boolean().default(false),
    oauthClientAllowedScopes: z.array(scope).default([]),
    timeout: duration.default(30),
  })
  .superRefine((given, context) => {
    // The default redirect address lies below the service's own, so a service without one must name it.
    const usesOauth = given.oauthClientId !== undefined || given.oauthNoConfirm
    if (given.url !== undefined || given.oauthRedirectUri !== undefined || !usesOauth) return
    context.addIssue({
      code: 'custom',
      path: ['oauthRedirectUri'],
      message: 'expected one where there is no url',
      input: undefined,
    })
  })

/** JupyterHub's `services`. */
export const serviceList = z.array(service).superRefine((services, context) => {
  tellTwice(services, one => one.name, 'name', context)
  tellTwice(services, one => one.oauthClientId ?? `service-${one.name}`, 'oauthClientId', context)
  tellTwice(services, one => one.apiToken, 'apiToken', context)
})

const role = z
  .strictObject({
    name: z.string().refine(isValidRoleName, {
      error: 'expected 3 to 255 of a-z, 0-9 and -_~., a letter first, no sign last',
    }),
    description: z.string().optional(),
    scopes: z.array(scope).optional(),
    users: nameList.optional(),
    groups: nameList.optional(),
    services: nameList.optional(),
  })
  .superRefine((given, context) => {
    const standard = defaultRoles.some(({ name }) => name === given.name)
    if (given.name === 'admin' && given.scopes) {
      context.addIssue({
        code: 'custom',
        path: ['scopes'],
        message: 'the scopes of the role admin cannot be changed',
        input: undefined,
      })
    }
    if (!standard && given.scopes === undefined) {
      context.addIssue({ code: 'custom', path: ['scopes'], message: 'expected a list of scopes', input: undefined })
    }
  })

/** JupyterHub's `load_roles`. */
export const roleList = z.array(role).superRefine((roles, context) => {
  tellTwice(roles, one => one.name, 'name', context)
})

/** JupyterHub's `load_groups`. */
export const groupRecord = z.record(
  z.string().refine(isGroupName, { error: 'expected the name of a group: 1 to 255 characters, not dots alone' }),
  z.strictObject({
    users: nameList.optional(),
    properties: z.record(z.string(), z.json()).optional(),
  }),
)

export type ServiceConfig = z.output<typeof service>

function tellTwice<T>(
  list: readonly T[],
  read: (one: T) => string | undefined,
  field: string,
  context: z.RefinementCtx,
): void {
  const seen = new Set<string>()
  for (const [index, one] of list.entries()) {
    const value = read(one)
    if (value === undefined) continue
    if (seen.has(value))
      context.addIssue({ code: 'custom', path: [index, field], message: 'expected another one', input: undefined })
    seen.add(value)
  }
}

function isGroupName(name: string): boolean {
  return name.trim() !== '' && [...name].length <= 255 && !/^\.+$/.test(name) && !/\p{Cc}/u.test(name)
}
