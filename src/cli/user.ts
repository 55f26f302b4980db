import { Command } from 'commander'
import { ensureDefaultRoles } from '../access/role-grants.ts'
import type { Config } from '../config/schema.ts'
import type { Database } from '../db/database.ts'
import { createUserNames } from '../features/users/user-names.ts'
import { createUser, findUser, setAdmin, userExists } from '../features/users/user-store.ts'
import { type ConfigFlags, withConfigFlags } from './config-flags.ts'
import { getUser } from './get-user.ts'
import { listUsers } from './list-users.ts'
import { setPassword } from './set-password.ts'
import { withDatabase } from './with-database.ts'

interface UserFlags extends ConfigFlags {
  readonly admin?: boolean
  readonly remove?: boolean
  readonly json?: boolean
}

export function userCommand(): Command {
  const command = new Command('user').description('look after users, directly in the database')
  withConfigFlags(command.command('list'))
    .description('print all users')
    .option('--json', 'print a list of objects')
    .action(list)
  withConfigFlags(command.command('add'))
    .description('make a user; with own accounts this also permits to sign in, once there is a password')
    .argument('<name>')
    .option('--admin', 'make an administrator')
    .option('--json', 'print an object')
    .action(add)
  withConfigFlags(command.command('admin'))
    .description('make a user an administrator')
    .argument('<name>')
    .option('--remove', 'make an administrator a user again')
    .option('--json', 'print an object')
    .action(makeAdmin)
  withConfigFlags(command.command('passwd'))
    .description("set the password of one of Orrery's own accounts, asked for or read from standard input")
    .argument('<name>')
    .option('--must-change', 'the next sign-in must choose another')
    .action(setPassword)
  return command
}

async function list(flags: UserFlags): Promise<void> {
  const users = await withDatabase(flags, ({ db }) => listUsers(db))
  if (flags.json) return console.log(JSON.stringify(users, undefined, 2))
  const width = Math.max(...users.map(user => user.name.length), 4)
  for (const { name, admin, lastActivity } of users) {
    console.log(`${name.padEnd(width)}  ${admin ? 'admin' : '     '}  ${lastActivity ?? 'never active'}`)
  }
}

async function add(given: string, flags: UserFlags): Promise<void> {
  const user = await withDatabase(flags, async ({ db }: Database, config: Config) => {
    const names = userNames(config)
    const name = names.normalize(given)
    names.check(name)
    await ensureDefaultRoles(db)
    if (await findUser(db, name)) throw userExists(name)
    return db.transaction().execute(tx => createUser(tx, { name, admin: flags.admin ?? false }))
  })
  tell(user, flags, `Made ${user.admin ? 'the administrator' : 'the user'} ${user.name}.`)
}

async function makeAdmin(name: string, flags: UserFlags): Promise<void> {
  const admin = !flags.remove
  const user = await withDatabase(flags, async ({ db }) => {
    await ensureDefaultRoles(db)
    const found = await getUser(db, name)
    await db.transaction().execute(tx => setAdmin(tx, found.id, admin))
    return { ...found, admin }
  })
  tell(user, flags, `${user.name} is ${admin ? 'an administrator' : 'a user'} now.`)
}

function userNames({ access }: Config) {
  const pattern = access.usernamePattern === '' ? {} : { pattern: new RegExp(access.usernamePattern) }
  return createUserNames({ map: access.usernameMap, ...pattern })
}

function tell(user: { name: string; admin: boolean }, flags: UserFlags, sentence: string): void {
  console.log(flags.json ? JSON.stringify({ name: user.name, admin: user.admin }) : sentence)
}
