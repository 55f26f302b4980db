import { existsSync } from 'node:fs'
import { isSudo } from '../../app/sudo/command-of-helper.ts'
import { faultOfCommand } from '../../app/sudo/install-helper.ts'
import { trySudo } from '../../app/sudo/try-sudo.ts'
import { knowledgeOf } from '../../launcher/forking/known-modules.ts'
import { preloadable } from '../../launcher/forking/preloadable.ts'
import { type HelperFile, modulesOfHelper, readHelperFile } from '../../launcher/helper-file.ts'
import { Refusal } from '../../launcher/refusal.ts'
import { AS_ROOT, defineCheck, failure, type Outcome, ok, type Site, skipped, warning } from '../check.ts'
import { runProgram } from '../run-program.ts'

type Item = 'helper' | 'program' | 'preloading' | 'rule' | 'answers'

export const sudoCheck = defineCheck({
  id: 'sudo',
  title: 'Servers through sudo',
  timeoutMs: 40_000,
  items: {
    helper: 'The helper is installed, of this version, and nobody but root can change it.',
    program: 'Nobody but root can change the programs that servers run.',
    preloading: 'What servers import was found out when the helper was installed, and packages have not changed since.',
    rule: 'The sudoers rule lets the hub become the user of `--user`. `orrery sudoers` prints the rule.',
    answers: 'The helper answers as that user: the rule, the home and the account are in order.',
  },
  async run(site, signal) {
    const { spawner } = site.config
    if (!isSudo(spawner)) return []
    const file = helperFile(spawner.helper)
    if ('item' in file) return [file]
    return [
      ok('helper', `${spawner.helper} is root's alone.`),
      programs(file),
      ...preloading(spawner.helper, file),
      ...(await tried(site, spawner.helper, file, signal)),
    ]
  },
})

function helperFile(helper: string): HelperFile | Outcome<'helper'> {
  try {
    return readHelperFile(helper)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return failure('helper', error.message, error.nextStep ?? AS_ROOT, { code: error.code })
  }
}

function programs({ commands }: HelperFile): Outcome<'program'> {
  const names = commands.map(([program = '']) => program)
  const missing = names.find(program => !existsSync(program))
  const fault =
    missing === undefined ? commands.flatMap(each => faultOfCommand(each) ?? [])[0] : `There is no ${missing}.`
  if (fault === undefined) return ok('program', `${names.join(', ')}: root's alone.`)
  return failure(
    'program',
    fault,
    'Whoever can change it can be every user: install what servers run as root, then orrery install-sudo-helper.',
  )
}

/** Of programs that can be preloaded. */
function preloading(helper: string, { commands, preload }: HelperFile): Outcome<'preloading'>[] {
  const programs = commands.flatMap(each => preloadable(each)?.command[0] ?? [])
  if (preload === 'off' || programs.length === 0) return []
  const known = programs.map(program => ({ program, is: knowledgeOf(program, modulesOfHelper(helper)) }))
  const other = known.find(({ is }) => is !== 'known')
  if (!other) return [ok('preloading', 'What servers import is known.')]
  const why = other.is === 'changed' ? 'its packages have changed since' : 'its environment could not be imported'
  const told = `What ${other.program} imports is not known: ${why}. Kernels begin from nothing, unless a start was prepared.`
  return [warning('preloading', told, 'As root: orrery install-sudo-helper.')]
}

async function tried(site: Site, helper: string, file: HelperFile, signal: AbortSignal): Promise<Outcome<Item>[]> {
  const { user } = site
  if (user === undefined)
    return [skipped('rule', 'No user is named to try it for.', 'Name one: orrery doctor sudo --user NAME.')]
  const sudo = await asHub(file.hubUid, signal)
  if (!sudo) return [skipped('rule', 'Only the hub and root can try the rule.', AS_ROOT)]
  const { rule, fault, commands } = await trySudo({ user, helper, sudo, signal })
  const permitted =
    rule === 'permits'
      ? ok('rule', `sudo lets the hub run the helper as ${user}.`)
      : failure(
          'rule',
          `sudo does not let the hub run ${helper} as ${user}.`,
          `Compare /etc/sudoers.d with what orrery sudoers prints for ${user}, or for a group that ${user} is in.`,
        )
  if (fault) return [permitted, failure('answers', fault.message, fault.nextStep ?? AS_ROOT, { code: fault.code })]
  return [permitted, ok('answers', `The helper answers as ${user}; it starts ${commands?.join(', ')}.`)]
}

/** Undefined for somebody who is not the hub and cannot be it. */
async function asHub(uid: number, signal: AbortSignal): Promise<readonly [string, ...string[]] | undefined> {
  const own = process.getuid?.()
  if (own === uid) return ['sudo']
  if (own !== 0) return undefined
  const { stdout } = await runProgram(['getent', 'passwd', '--', String(uid)], { as: undefined, signal })
  const [, , , gid] = stdout.split(':')
  if (!gid) return undefined
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', 'sudo']
}
