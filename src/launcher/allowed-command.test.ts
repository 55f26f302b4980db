import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { allowedCommand } from './allowed-command.ts'
import { DEFAULT_ARGUMENTS } from './options.ts'

const options = {
  commands: [['/opt/venv/bin/jupyterhub-singleuser'], ['/usr/bin/python3', '-m', 'jupyterhub.singleuser']],
  allowedArguments: DEFAULT_ARGUMENTS,
}
const allow = (...asked: string[]) => allowedCommand(asked, options)

describe('the commands of a launcher', () => {
  it('are found by their name or in full', () => {
    assert.deepEqual(allow('jupyterhub-singleuser'), ['/opt/venv/bin/jupyterhub-singleuser'])
    assert.deepEqual(allow('/opt/venv/bin/jupyterhub-singleuser'), ['/opt/venv/bin/jupyterhub-singleuser'])
    assert.deepEqual(allow('python3', '-m', 'jupyterhub.singleuser', '--debug'), [
      '/usr/bin/python3',
      '-m',
      'jupyterhub.singleuser',
      '--debug',
    ])
  })

  it('never become another program', () => {
    for (const asked of [
      ['/bin/sh'],
      ['sh', '-c', 'id'],
      ['/tmp/jupyterhub-singleuser'],
      ['../jupyterhub-singleuser'],
      ['jupyterhub-singleuser;id'],
      ['jupyterhub-singleuser\n'],
      [''],
    ]) {
      assert.throws(() => allow(...asked), { code: 'command_refused' }, asked.join(' '))
    }
  })

  it('get the flags of a single-user server, and none that loads a file or another language', () => {
    assert.equal(allow('jupyterhub-singleuser', '--debug', '--ServerApp.terminals_enabled=False').length, 3)
    for (const argument of [
      '--config=/tmp/evil.py',
      '-c',
      '--ServerApp.config_file=/tmp/evil.py',
      '--ServerApp.jpserver_extensions={"evil":true}',
      '--ServerApp.allow_root=True',
      '$(id)',
      '--debug\n--config=x',
      '--log-level=DEBUG --config=x',
    ]) {
      assert.throws(() => allow('jupyterhub-singleuser', argument), { code: 'argument_refused' }, argument)
    }
    assert.throws(() => allow('python3', '-c', 'import os'), { code: 'argument_refused' })
  })
})
