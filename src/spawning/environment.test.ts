import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { type EnvironmentSettings, type ServerEnvironment, serverEnvironment } from './environment.ts'

const site: EnvironmentSettings = { baseUrl: '/', hubUrl: 'http://127.0.0.1:8081' }
const alice: ServerEnvironment = {
  key: { user: 'alice', server: '' },
  apiToken: 'secret',
  bind: { ip: '127.0.0.1', port: 4321 },
  notebookDir: '',
  limits: {},
}

interface Case {
  title: string
  site: EnvironmentSettings
  server: ServerEnvironment
}
const cases: readonly Case[] = [
  { title: 'the plain default server', site, server: alice },
  {
    title: 'a named server below a base path',
    site: { ...site, baseUrl: '/lab/' },
    server: { ...alice, key: { user: 'alice', server: 'gpu' } },
  },
  { title: 'a name that needs escaping', site, server: { ...alice, key: { user: 'a b@c', server: '' } } },
  {
    title: 'everything set',
    site: {
      ...site,
      publicUrl: 'https://jupyter.example.org',
      cookieOptions: { SameSite: 'None', Secure: true },
      cookieHostPrefixEnabled: true,
      defaultUrl: '/lab/tree/{username}',
      debug: true,
      disableUserConfig: true,
      extra: { MPLBACKEND: 'agg', JUPYTERHUB_API_URL: 'http://elsewhere/hub/api' },
    },
    server: {
      ...alice,
      bind: { ip: '::1', port: 1 },
      notebookDir: '/data/{username}',
      oauthClientAllowedScopes: ['read:users!user', 'servers'],
      limits: { memoryBytes: 2 ** 30, cpus: 2 },
      guarantees: { memoryBytes: 2 ** 29, cpus: 0.5 },
    },
  },
]

describe('environment of a server', () => {
  it('passes on what the administrator names, and nothing else of the hub', () => {
    const hubEnvironment = { PATH: '/bin', LANG: 'C', SECRET: 'x' }
    const env = serverEnvironment({ ...site, envKeep: ['PATH', 'LANG', 'ABSENT'], hubEnvironment }, alice)
    assert.equal(env.PATH, '/bin')
    assert.equal(env.LANG, 'C')
    assert.ok(!('SECRET' in env) && !('ABSENT' in env))
  })

  it('lets the extra variables win', () => {
    assert.equal(serverEnvironment({ ...site, extra: { JUPYTERHUB_USER: 'bob' } }, alice).JUPYTERHUB_USER, 'bob')
  })

  it('names the certificate files of internal TLS', () => {
    const env = serverEnvironment(site, { ...alice, tls: { files: { keyFile: 'k', certFile: 'c', caFile: 'a' } } })
    assert.equal(env.JUPYTERHUB_SERVICE_URL, 'https://127.0.0.1:4321/user/alice/')
    assert.equal(env.JUPYTERHUB_SSL_CLIENT_CA, 'a')
  })

  const python = process.env.ORRERY_TEST_JUPYTERHUB_PYTHON
  for (const { title, site, server } of cases) {
    it(`is that of the released package for ${title}`, {
      skip: !python && 'ORRERY_TEST_JUPYTERHUB_PYTHON is not set',
    }, () => {
      const answer = execFileSync(python!, ['-c', askReleasedPackage], {
        input: JSON.stringify({ site, server }),
        encoding: 'utf8',
      })
      const theirs = JSON.parse(answer) as Record<string, string>
      assert.deepEqual(jsonParsed(serverEnvironment(site, server)), jsonParsed(theirs))
    })
  }
})

/** Python and JavaScript space JSON differently; what counts is the value. */
function jsonParsed(env: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, /SCOPES|COOKIE_OPTIONS/.test(name) ? JSON.parse(value) : value]),
  )
}

/** Makes the released package's own User and Spawner in a database in memory, and prints what get_env answers. */
const askReleasedPackage = `
import json, sys, warnings
warnings.simplefilter("ignore")
from urllib.parse import urlparse
from jupyterhub import orm
from jupyterhub.objects import Hub, Server
from jupyterhub.spawner import Spawner
from jupyterhub.user import User

asked = json.load(sys.stdin)
site, server = asked["site"], asked["server"]
key = server["key"]

class Plain(Spawner):
    async def start(self): ...
    async def stop(self, now=False): ...
    async def poll(self): ...

db = orm.new_session_factory("sqlite:///:memory:")()
orm_user = orm.User(name=key["user"])
db.add(orm_user)
db.commit()
hub_url = urlparse(site["hubUrl"])
public_url = site.get("publicUrl")
hub = Hub(ip=hub_url.hostname, port=hub_url.port, base_url=site["baseUrl"] + "hub/",
          public_host=site.get("publicUrl", ""))
user = User(orm_user, db=db, settings={
    "hub": hub, "base_url": site["baseUrl"], "allow_named_servers": True, "spawner_class": Plain,
    "cookie_options": site.get("cookieOptions", {}),
    "cookie_host_prefix_enabled": site.get("cookieHostPrefixEnabled", False),
    "public_url": urlparse(public_url) if public_url else "",
})
if key["server"]:
    user._new_orm_spawner(key["server"], "")
spawner = user.spawners[key["server"]]
orm_server = orm.Server(base_url=spawner.proxy_spec)
db.add(orm_server)
db.commit()
spawner.server = Server(orm_server=orm_server)
spawner.env_keep = []
spawner.api_token = server["apiToken"]
spawner.ip, spawner.port = server["bind"]["ip"], server["bind"]["port"]
spawner.notebook_dir = server["notebookDir"]
limits = server["limits"]
spawner.mem_limit = limits.get("memoryBytes")
spawner.cpu_limit = limits.get("cpus")
guarantees = server.get("guarantees", {})
spawner.mem_guarantee = guarantees.get("memoryBytes")
spawner.cpu_guarantee = guarantees.get("cpus")
spawner.default_url = site.get("defaultUrl", "")
spawner.debug = site.get("debug", False)
spawner.disable_user_config = site.get("disableUserConfig", False)
spawner.oauth_client_allowed_scopes = server.get("oauthClientAllowedScopes", [])
spawner.environment = site.get("extra", {})
print(json.dumps(spawner.get_env()))
`
