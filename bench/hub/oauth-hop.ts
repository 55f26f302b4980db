import { DatabaseSync } from 'node:sqlite'
import { hashToken, newToken } from '../../src/access/token-format.ts'
import type { BenchUser } from './fill-database.ts'
import type { BenchWork } from './load.ts'

/** The OAuth client of a user's default server, as each hub makes one at its first start. */
export interface ServerClient {
  readonly id: string
  readonly secret: string
  readonly redirectUri: string
}

/** Written while the hub runs: JupyterHub removes those of servers that it has not started itself when it starts. */
export function addServerClient(file: string, { name }: BenchUser): ServerClient {
  const client = { id: `jupyterhub-user-${name}`, secret: newToken(), redirectUri: `/user/${name}/oauth_callback` }
  const sqlite = new DatabaseSync(file, { timeout: 10_000 })
  sqlite
    .prepare(
      `insert into oauth_clients (identifier, description, secret, redirect_uri, allowed_scopes) values (?, '', ?, ?, '[]')
        on conflict (identifier) do update set secret = excluded.secret`,
    )
    .run(client.id, hashToken(client.secret).hashed, client.redirectUri)
  sqlite
    .prepare('update spawners set oauth_client_id = ? where user_id = (select id from users where name = ?)')
    .run(client.id, name)
  sqlite.close()
  return client
}

/** What opening one's server costs the hub the first time: authorize, exchange the code, ask whose token that is. */
export function oauthHop(client: ServerClient, cookie: string): BenchWork {
  return async send => {
    const { id, secret, redirectUri } = client
    const query = { client_id: id, redirect_uri: redirectUri, response_type: 'code', state: 'bench' }
    const { headers } = await send({
      method: 'GET',
      path: `/hub/api/oauth2/authorize?${new URLSearchParams(query)}`,
      headers: { cookie, 'sec-fetch-mode': 'navigate' },
      expect: 302,
    })
    const code = new URL(headers.location ?? '', 'http://hub').searchParams.get('code')
    if (!code) throw new Error(`authorize led to ${headers.location}`)
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      client_id: id,
      client_secret: secret,
    }
    const { body } = await send({
      method: 'POST',
      path: '/hub/api/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
      expect: 200,
    })
    const { access_token: token } = JSON.parse(body) as { access_token: string } // RFC 6749 section 5.1
    await send({ method: 'GET', path: '/hub/api/user', headers: { authorization: `token ${token}` }, expect: 200 })
  }
}
