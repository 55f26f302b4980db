import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CommanderError } from 'commander'
import { launcherCommand } from './launcher.ts'

/** Parses without running: a wrong value ends before the action. */
const parse = (...args: string[]) =>
  launcherCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .action(() => {})
    .parse(['--socket', '/tmp/none.sock', ...args], { from: 'user' })
    .opts()

describe('the command line of the launcher', () => {
  it('refuses values that would mean something else later', () => {
    for (const args of [
      ['--singleuser-command', 'jupyterhub-singleuser'],
      ['--singleuser-command', '["jupyterhub-singleuser"]'],
      ['--singleuser-command', '[]'],
      ['--allow-uid', 'no-such-user-here'],
      ['--allow-argument', '('],
      ['--environment', 'NOVALUE'],
      ['--run-as', 'root'],
      ['--umask', '9'],
      ['--account-prefix', '../'],
      ['--account-prefix', ''],
      ['--min-uid', '-1'],
    ]) {
      assert.throws(() => parse(...args), CommanderError, args.join(' '))
    }
  })

  it('takes repeated options', () => {
    const flags = parse('--allow-uid', '5', '--allow-uid', 'root', '--environment', 'A=1', '--environment', 'B=x=y')
    assert.deepEqual(flags.allowUid, [5, 0])
    assert.deepEqual(flags.environment, { A: '1', B: 'x=y' })
    assert.equal(flags.umask, 0o022)
  })

  it('shows its defaults as people write them', () => {
    const help = launcherCommand().helpInformation()
    assert.match(help, /022/)
    assert.doesNotMatch(help, /default: (\[\]|\{\})/)
  })
})
