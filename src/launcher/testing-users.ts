/** Linux users of a test's own, made by `test/testbed/users.sh`. Root only. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

export interface TestUsers {
  /** `alice`, `bob`, `carol`, `gina`: ordinary; `dora`: locked; `erik`: expired; `fred`: must change the password. */
  name(person: 'alice' | 'bob' | 'carol' | 'dora' | 'erik' | 'fred' | 'gina'): string
  password(person: string): string
  /** A PAM service without delay after wrong passwords. */
  readonly service: string
  /** A group that all of them are in. */
  readonly group: string
  close(): void
}

const SCRIPT = join(import.meta.dirname, '../../test/testbed/users.sh')

export function testUsers(): TestUsers {
  const prefix = `u${randomBytes(3).toString('hex')}-`
  const env = { ...process.env, TESTBED_USER_PREFIX: prefix }
  const run = (action: string) => execFileSync(SCRIPT, [action], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  run('up')
  return {
    name: person => `${prefix}${person}`,
    password: person => `${person}-pw`,
    service: `${prefix}orrery-test`,
    group: `${prefix}people`,
    close: () => void run('down'),
  }
}
