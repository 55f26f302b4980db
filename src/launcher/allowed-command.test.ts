import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { allowedCommand } from './allowed-command.ts'
import { DEFAULT_ARGUMENTS } from './options.ts'
import { Refusal } from './refusal.ts'

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

  it('are told apart where several begin with the same program', () => {
    const run = (name: string) => ['/opt/conda/bin/conda', 'run', '-n', name, 'jupyterhub-singleuser']
    const several = { ...options, commands: [run('one'), run('two')] }

    assert.deepEqual(allowedCommand([...run('one'), '--debug'], several), [...run('one'), '--debug'])
    assert.deepEqual(allowedCommand([...run('two'), '--debug'], several), [...run('two'), '--debug'])
    assert.throws(() => allowedCommand(run('three'), several), { code: 'argument_refused' })
  })

  it('are one of those it was told, with flags of the allowed forms, whatever is asked', () => {
    const word = fc.oneof(fc.constantFrom('python3', '-m', '--debug', ...options.commands.flat()), fc.string())
    fc.assert(
      fc.property(fc.array(word), asked => {
        let command: string[]
        try {
          command = allow(...asked)
        } catch (error) {
          assert.ok(error instanceof Refusal)
          return
        }
        const known = options.commands.find(each => each.every((text, at) => command[at] === text))
        assert.ok(known, command.join(' '))
        for (const flag of command.slice(known.length)) assert.match(flag, /^--[\w.-]+(=[^\n]*)?$/)
      }),
    )
  })
})
