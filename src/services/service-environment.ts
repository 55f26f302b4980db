/**
 * What a managed service is told when it starts: the variables that JupyterHub 6's `_ServiceSpawner` writes, and nothing
 * else of the hub's own environment but what programs need to run.
 */
import { joinUrlPath, servicePath } from '../core/names.ts'
import { type SiteAddresses, serviceUrl } from '../core/subdomains.ts'

import type { TlsFilePaths } from '../plugin/spawner.ts'
import { tlsVariables } from '../spawning/environment.ts'

export interface ServiceSite extends SiteAddresses {
  /** Where services reach the hub: `http://127.0.0.1:8081`, without a path. */
  readonly hubUrl: string
  /** Address that browsers use, without a path, where the hub knows it. */
  readonly publicUrl?: string
  /** The hub's own environment. */
  readonly hubEnvironment: Readonly<Record<string, string | undefined>>
}

export interface ServiceFacts {
  readonly name: string
  readonly url?: string | undefined
  readonly user?: string | undefined
  readonly apiToken: string
  readonly oauthClientId: string
  /** Of the config; wins over all but what names the service itself. */
  readonly environment: Readonly<Record<string, string>>
  /** With internal TLS: where its files lie, unless somebody else tells it. */
  readonly tlsFiles?: TlsFilePaths | undefined
}

/** What JupyterHub's LocalProcessSpawner hands on of the hub's own. */
const KEPT = [
  'CONDA_DEFAULT_ENV',
  'CONDA_ROOT',
  'JUPYTERHUB_SINGLEUSER_APP',
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'PATH',
  'PYTHONPATH',
  'VIRTUAL_ENV',
]

export function serviceEnvironment(site: ServiceSite, service: ServiceFacts): Record<string, string> {
  const apiUrl = joinUrlPath(site.hubUrl, site.baseUrl, 'hub/api')
  const prefix = service.url === undefined ? undefined : servicePath(service.name, site.baseUrl)
  const accessScopes = JSON.stringify(['access:services', `access:services!service=${service.name}`])
  return {
    ...kept(site.hubEnvironment),
    JUPYTERHUB_API_TOKEN: service.apiToken,
    JPY_API_TOKEN: service.apiToken,
    JUPYTERHUB_CLIENT_ID: service.oauthClientId,
    JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED: '0',
    JUPYTERHUB_HOST: site.publicUrl?.replace(/\/+$/, '') ?? '',
    JUPYTERHUB_OAUTH_CALLBACK_URL:
      prefix === undefined ? 'oauth_callback' : `${serviceUrl(service.name, site)}oauth_callback`,
    JUPYTERHUB_OAUTH_SCOPES: accessScopes,
    JUPYTERHUB_OAUTH_ACCESS_SCOPES: accessScopes,
    JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES: '[]',
    JUPYTERHUB_USER: service.user ?? '',
    JUPYTERHUB_SERVER_NAME: '',
    JUPYTERHUB_API_URL: apiUrl,
    JUPYTERHUB_BASE_URL: site.baseUrl,
    JUPYTERHUB_PUBLIC_URL: prefix === undefined ? '' : publicUrl(site, service.name),
    JUPYTERHUB_PUBLIC_HUB_URL: site.publicUrl ? joinUrlPath(site.publicUrl, site.baseUrl, 'hub/') : '',
    ...(service.tlsFiles && tlsVariables(service.tlsFiles)),
    ...service.environment,
    JUPYTERHUB_SERVICE_NAME: service.name,
    // Without an address JupyterHub names one that nothing can listen on.
    JUPYTERHUB_SERVICE_URL: service.url ?? 'http://127.0.0.1:0/',
    ...(prefix !== undefined && { JUPYTERHUB_SERVICE_PREFIX: prefix }),
  }
}

function publicUrl(site: ServiceSite, name: string): string {
  if (site.subdomains) return serviceUrl(name, site)
  return site.publicUrl ? joinUrlPath(site.publicUrl, servicePath(name, site.baseUrl)) : ''
}

function kept(environment: ServiceSite['hubEnvironment']): Record<string, string> {
  return Object.fromEntries(KEPT.flatMap(name => (environment[name] === undefined ? [] : [[name, environment[name]]])))
}
