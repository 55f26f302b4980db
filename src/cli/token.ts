import { userInfo } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { issueToken } from '../access/issue-token.ts'
import { ensureDefaultRoles } from '../access/role-grants.ts'
import { duration } from '../config/values.ts'
import { withCustomScopes } from '../core/scopes/custom.ts'
import { type ConfigFlags, withConfigFlags } from './config-flags.ts'
import { getUser } from './get-user.ts'
import { withDatabase } from './with-database.ts'

interface TokenFlags extends ConfigFlags {
  readonly note: string
  readonly expiresIn?: number
  readonly scopes?: string[]
  readonly json?: boolean
}

export function tokenCommand(): Command {
  const command = new Command('token')
    .description('make an API token for a user and print it')
    .argument('[user]', 'name of the user', userInfo().username)
    .option('--note <text>', 'what it is for', 'made with orrery token')
    .option('--expires-in <duration>', 'its life: 3600, 12h, 90d (default: for ever)', parseDuration)
    .option('--scopes <list>', 'what it may, separated by commas (default: all that the user may)', parseList)
    .option('--json', 'print an object')
  return withConfigFlags(command).action(makeToken)
}

async function makeToken(name: string, flags: TokenFlags): Promise<void> {
  const issued = await withDatabase(flags, async ({ db }, config) => {
    await ensureDefaultRoles(db)
    const user = await getUser(db, name)
    const wanted = { user, note: flags.note, expiresInSeconds: flags.expiresIn, scopes: flags.scopes }
    return issueToken(db, wanted, withCustomScopes(config.customScopes), new Date())
  })
  const { token, id, scopes, expiresAt } = issued
  console.log(flags.json ? JSON.stringify({ token, id, user: name, scopes, expiresAt: expiresAt ?? null }) : token)
}

function parseDuration(text: string): number {
  const parsed = duration.safeParse(text)
  if (!parsed.success || parsed.data === 0) throw new InvalidArgumentError('expected 3600, 12h, 90d or the like.')
  return parsed.data
}

function parseList(text: string): string[] {
  return text
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '')
}
