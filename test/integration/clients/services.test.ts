/** Services and launchers as people write them against JupyterHub, with released libraries, all on one hub. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe } from 'node:test'
import { freePorts } from '../../support/free-ports.ts'
import { type OrreryProcess, startOrrery } from '../../support/orrery-process.ts'
import { clientsPython } from '../../support/python-env.ts'
import { until } from '../../support/until.ts'
import { binderLauncher } from './binder-launcher.ts'
import { fastapiService } from './fastapi-service.ts'
import { hubAuthServices } from './hub-auth-services.ts'

const TOKENS = { launcher: 'token-of-the-launcher', labbook: 'token-of-the-labbook', outside: 'token-of-the-outside' }

describe('clients of the hub', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-clients-'))
  const children: ChildProcess[] = []
  let orrery: OrreryProcess
  let outside: string

  before(async () => {
    const python = clientsPython()
    const program = (name: string) => {
      copyFileSync(join(import.meta.dirname, '../../support', name), join(folder, name))
      return [python, join(folder, name)]
    }
    const urls = (await freePorts(4)).map(port => `http://127.0.0.1:${port}`)
    const [portal, labbook, elsewhere, api] = urls
    const hubAuth = program('hub_auth_service.py')
    const fastapi = program('fastapi_service.py')
    chmodSync(folder, 0o755)
    outside = elsewhere!
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: {
          cmd: [join(dirname(python), 'jupyterhub-singleuser')],
          environment: { JUPYTERHUB_ALLOW_TOKEN_IN_URL: '1' },
          startTimeout: '2m',
          httpTimeout: '2m',
          allowNamedServers: true,
        },
        groups: { physics: { users: ['ada'] } },
        services: [
          { name: 'portal', url: portal, command: hubAuth, oauthNoConfirm: true },
          { name: 'labbook', url: labbook, apiToken: TOKENS.labbook },
          { name: 'outside', apiToken: TOKENS.outside, oauthRedirectUri: `${outside}/oauth_callback` },
          { name: 'api', url: api, command: fastapi, oauthClientAllowedScopes: ['read:servers!user'] },
          { name: 'launcher', apiToken: TOKENS.launcher },
        ],
        roles: [
          { name: 'user', scopes: ['self', 'access:services!service=portal', 'access:services!service=outside'] },
          {
            name: 'physicists',
            scopes: ['access:services!service=labbook', 'access:services!service=api'],
            groups: ['physics'],
          },
          { name: 'portal', scopes: ['list:users'], services: ['portal'] },
          {
            name: 'launcher',
            scopes: ['admin:users', 'admin:servers', 'tokens', 'access:services!service=labbook'],
            services: ['launcher'],
          },
        ],
      },
    })

    // What JupyterHub's documentation tells those to set who start a service themselves.
    const startExternal = (name: 'labbook' | 'outside', url: string, environment: Record<string, string>) => {
      const child = spawn(hubAuth[0]!, [hubAuth[1]!], {
        env: {
          PATH: process.env.PATH,
          JUPYTERHUB_API_TOKEN: TOKENS[name],
          JUPYTERHUB_API_URL: `${orrery.url}/hub/api`,
          JUPYTERHUB_BASE_URL: '/',
          JUPYTERHUB_CLIENT_ID: `service-${name}`,
          JUPYTERHUB_OAUTH_ACCESS_SCOPES: JSON.stringify([`access:services!service=${name}`, 'access:services']),
          JUPYTERHUB_SERVICE_URL: url,
          ...environment,
        },
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      children.push(child)
    }
    startExternal('labbook', labbook!, { JUPYTERHUB_SERVICE_PREFIX: '/services/labbook/' })
    startExternal('outside', outside, {
      JUPYTERHUB_SERVICE_PREFIX: '/',
      JUPYTERHUB_HOST: orrery.url,
      JUPYTERHUB_OAUTH_CALLBACK_URL: `${outside}/oauth_callback`,
    })
    for (const url of urls) await until(`${url} answers`, async () => (await fetch(url)).status > 0)
  })
  after(async () => {
    for (const child of children) child.kill()
    await orrery?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const site = { url: () => orrery.url }
  hubAuthServices({ ...site, outside: () => outside, launcherToken: TOKENS.launcher })
  fastapiService(site)
  binderLauncher({ ...site, token: TOKENS.launcher })
})
