import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { absoluteCommand } from './absolute-command.ts'

const where = { file: '/etc/orrery/orrery.config.ts', path: 'relative:/nowhere:/usr/bin:/bin' }

describe('the command of servers', () => {
  it('stays as it is when its program is a whole path', () => {
    assert.deepEqual(absoluteCommand(['/opt/x/jupyterhub-singleuser', '--debug'], where), [
      '/opt/x/jupyterhub-singleuser',
      '--debug',
    ])
  })

  it('is looked for on the PATH by a bare name', () => {
    assert.deepEqual(absoluteCommand(['env', 'python3'], where), ['/usr/bin/env', 'python3'])
  })

  it('starts at the config file by a relative path', () => {
    assert.deepEqual(absoluteCommand(['bin/serve'], where), ['/etc/orrery/bin/serve'])
  })

  it('is refused with its place when it is nowhere', () => {
    assert.throws(() => absoluteCommand(['jupyterhub-nowhere'], where), {
      code: 'config_invalid',
      message: 'servers.cmd: jupyterhub-nowhere is not on the PATH (/etc/orrery/orrery.config.ts).',
    })
  })
})
