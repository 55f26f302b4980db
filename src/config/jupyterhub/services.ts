/** JupyterHub's `services` and `load_roles`, whose entries have names of their own. */
import { environment } from './converters.ts'
import { isRecord } from './python-values.ts'
import type { MappingContext } from './trait-rule.ts'

const SERVICE_KEYS: Readonly<Record<string, string>> = {
  name: 'name',
  url: 'url',
  command: 'command',
  cwd: 'cwd',
  environment: 'environment',
  user: 'user',
  api_token: 'apiToken',
  admin: 'admin',
  display: 'display',
  info: 'info',
  timeout: 'timeout',
  oauth_client_id: 'oauthClientId',
  oauth_redirect_uri: 'oauthRedirectUri',
  oauth_no_confirm: 'oauthNoConfirm',
  oauth_client_allowed_scopes: 'oauthClientAllowedScopes',
}

/** Values that say the same as leaving the key out. */
const NOTHING = new Set<unknown>(['', null])

export function services(value: unknown, context: MappingContext): unknown {
  if (!Array.isArray(value)) return value
  return value.map(entry => {
    if (!isRecord(entry)) return entry
    const name = `the service ${String(entry.name)}`
    const converted: Record<string, unknown> = {}
    for (const [key, one] of Object.entries(entry)) {
      const known = SERVICE_KEYS[key]
      if (known === undefined) {
        context.warn(`gives ${name} ${key}, which has no effect`, SERVICE_ADVICE[key] ?? 'Leave it out.')
      } else if (!NOTHING.has(one)) converted[known] = one
    }
    if (isRecord(converted.environment)) {
      converted.environment = environment(converted.environment, context)
    }
    if (Array.isArray(converted.command)) {
      if (converted.command.length === 0) delete converted.command
      else if (converted.command[0] === context.ownPython) warnOfInterpreter(name, converted.command, context)
    }
    return converted
  })
}

/** `sys.executable` in a service's command was the interpreter that JupyterHub and its packages were installed in. */
function warnOfInterpreter(name: string, command: readonly unknown[], context: MappingContext): void {
  const isCuller = command.includes('jupyterhub_idle_culler')
  context.warn(
    `has ${name} run by the interpreter of the data folder, which has JupyterHub and JupyterLab alone`,
    `Name the one that has its packages with --python${isCuller ? ', or set culler in its place' : ''}.`,
  )
}

const SERVICE_ADVICE: Readonly<Record<string, string>> = {
  oauth_roles: 'Name its scopes: oauthClientAllowedScopes.',
}

const ROLE_KEYS = ['name', 'description', 'scopes', 'users', 'groups', 'services']

export function roles(value: unknown, context: MappingContext): unknown {
  if (!Array.isArray(value)) return value
  return value.map(entry => {
    if (!isRecord(entry)) return entry
    for (const key of Object.keys(entry).filter(key => !ROLE_KEYS.includes(key))) {
      context.warn(`gives the role ${String(entry.name)} ${key}, which has no effect`, 'Leave it out.')
    }
    return Object.fromEntries(Object.entries(entry).filter(([key, one]) => ROLE_KEYS.includes(key) && one !== null))
  })
}

/** `JupyterHub.service_tokens`, token to name: those of services that have none of their own. Returns what is left. */
export function addServiceTokens(list: readonly Record<string, unknown>[], tokens: Record<string, unknown>): string[] {
  const left: string[] = []
  for (const [token, name] of Object.entries(tokens)) {
    const service = list.find(one => one.name === name && one.apiToken === undefined)
    if (service) service.apiToken = token
    else left.push(String(name))
  }
  return left
}
