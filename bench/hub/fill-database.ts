import { DatabaseSync } from 'node:sqlite'
import { hashToken, newToken } from '../../src/access/token-format.ts'

/** A user that both hubs know, with a token that may do all its owner may. */
export interface BenchUser {
  readonly name: string
  readonly token: string
}

/**
 * Writes the same users into the SQLite file of a hub that is stopped; both hubs have the same tables. Every user has
 * the role `user`, one token, and a default server that is stopped, as after somebody's first day.
 */
export function fillDatabase(file: string, users: readonly BenchUser[]): void {
  const sqlite = new DatabaseSync(file)
  const insertUser = sqlite.prepare(
    'insert into users (name, admin, created, cookie_id) values (?, 0, ?, ?) returning id',
  )
  const insertRole = sqlite.prepare(
    "insert into user_role_map (user_id, role_id, managed_by_auth) select ?, id, 0 from roles where name = 'user'",
  )
  const insertToken = sqlite.prepare(
    `insert into api_tokens (user_id, hashed, prefix, client_id, created, note, scopes)
      values (?, ?, ?, 'jupyterhub', ?, 'bench', '["inherit"]')`,
  )
  const insertSpawner = sqlite.prepare(
    "insert into spawners (user_id, name, state, user_options) values (?, '', '{}', '{}')",
  )
  const created = '2026-01-01 00:00:00.000000'
  sqlite.exec('begin')
  for (const { name, token } of users) {
    const { id } = insertUser.get(name, created, newToken()) as { id: number } // the one column it returns
    const { hashed, prefix } = hashToken(token)
    insertRole.run(id)
    insertToken.run(id, hashed, prefix, created)
    insertSpawner.run(id)
  }
  sqlite.exec('commit')
  sqlite.close()
}

export function makeUsers(count: number): BenchUser[] {
  return Array.from({ length: count }, (_, n) => ({ name: `user-${n}`, token: newToken() }))
}
