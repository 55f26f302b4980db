/** What an operator should know of a config that works, but perhaps not as meant. */
import type { Config } from '../../config/schema.ts'
import { joinUrlPath } from '../../core/names.ts'
import type { Logger } from '../../core/runtime.ts'
import { accessWarnings } from '../../features/sign-in/access-rules.ts'

export function warnOfConfig(config: Config, log: Logger): void {
  warnOfPlainServices(config, log)
  warnOfRules(config, log)
  warnOfAddresses(config, log)
}

function warnOfRules(config: Config, log: Logger): void {
  // Own accounts are let in by the approval that every account needs, anybody by the one for trials.
  const kind = 'kind' in config.authenticator ? config.authenticator.kind : undefined
  const vouches = kind === 'own-accounts' || (kind === 'dummy' && config.access.allowedUsers.length === 0)
  for (const warning of accessWarnings(config.access, { vouches })) log.warn({}, warning)
}

function warnOfPlainServices({ internalTls, services = [] }: Config, log: Logger): void {
  if (!internalTls.enabled) return
  for (const { name, url } of services) {
    if (url?.startsWith('http:'))
      log.warn({ service: name, url }, 'the service is reached in the clear; internal tls takes https in its url')
  }
}

function warnOfAddresses({ baseUrl, hub, cookies, publicUrl, subdomainHost }: Config, log: Logger): void {
  const { routespec } = hub
  if (routespec !== undefined && routespec !== baseUrl && routespec !== '/') {
    log.warn({ routespec }, 'the proxy leads only a part of the requests to the hub: stopped servers have no page')
  }
  if (
    routespec !== undefined &&
    subdomainHost === undefined &&
    !joinUrlPath(baseUrl, 'hub/api/').startsWith(routespec)
  ) {
    log.warn({ routespec }, 'the proxy leads no request for the REST API to the hub')
  }
  if (cookies.hostPrefix && !publicUrl.startsWith('https:')) {
    log.warn({ publicUrl }, 'cookies.hostPrefix works with https alone: browsers drop the cookies, except on localhost')
  }
}
