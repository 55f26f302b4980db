import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exitedEarly } from './reasons.ts'

const code = (log: string) => exitedEarly({ status: 1 }, log).code

describe('why a server ended early', () => {
  it('is read from its last words', () => {
    assert.equal(code("ModuleNotFoundError: No module named 'jupyterhub'"), 'singleuser_missing')
    assert.equal(code('/usr/bin/python3: No module named jupyterhub.singleuser'), 'singleuser_missing')
    assert.equal(code("ModuleNotFoundError: No module named 'jupyter_server'"), 'python_module_missing')
    assert.equal(code('OSError: [Errno 98] Address already in use'), 'port_taken')
    assert.equal(
      code('ERROR: the Jupyter server could not be started because port 1234 is already in use'),
      'port_taken',
    )
    assert.equal(code('OSError: [Errno 122] Disk quota exceeded'), 'disk_full')
    assert.equal(code("PermissionError: [Errno 13] Permission denied: '/home/a/.local'"), 'file_not_permitted')
  })

  it('is its status where the words tell nothing', () => {
    assert.match(exitedEarly({ status: 3 }, 'hello').message, /status 3/)
    assert.match(exitedEarly({ signal: 'SIGKILL' }, '').message, /killed/)
    assert.match(exitedEarly({}, '').message, /unknown/)
  })

  it('comes with a next step and the lines themselves', () => {
    const reason = exitedEarly({ status: 1 }, 'the log\n')
    assert.equal(reason.logTail, 'the log\n')
    assert.ok(reason.nextStep)
  })

  it('is the limit of memory where the kernel ended it for that, whatever it printed', () => {
    const exit = { signal: 'SIGKILL', reason: 'out_of_memory' }

    assert.equal(exitedEarly(exit, 'Address already in use').code, 'out_of_memory')
  })
})
