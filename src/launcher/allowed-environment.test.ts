import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { allowedEnvironment } from './allowed-environment.ts'

const none = { allowedEnvironment: [] }

describe('the environment a hub may set', () => {
  it("is JupyterHub's contract and what a site adds", () => {
    const asked = {
      JUPYTERHUB_API_TOKEN: 'x',
      JPY_API_TOKEN: 'x',
      OMP_NUM_THREADS: '4',
      http_proxy: 'http://p',
      MEM_LIMIT: '1',
    }
    assert.deepEqual(allowedEnvironment(asked, none, true), asked)
  })

  it('holds nothing that brings other code into the server', () => {
    for (const name of [
      'LD_PRELOAD',
      'LD_LIBRARY_PATH',
      'GCONV_PATH',
      'GLIBC_TUNABLES',
      'PYTHONSTARTUP',
      'PYTHONPATH',
      'PYTHONHOME',
      'BASH_ENV',
      'NODE_OPTIONS',
      'PATH',
      'HOME',
      'USER',
      'JUPYTER_CONFIG_DIR',
    ]) {
      assert.throws(
        () => allowedEnvironment({ [name]: '/tmp/evil' }, none, true),
        { code: 'environment_refused' },
        name,
      )
    }
  })

  it('has names that are names', () => {
    for (const name of ['', 'A=B', 'A B', '1A', 'A\n', 'A-B', 'BASH_FUNC_x%%']) {
      assert.throws(() => allowedEnvironment({ [name]: 'x' }, none, true), { code: 'environment_refused' }, name)
    }
  })

  it('holds a guarded name that the launcher was told to allow', () => {
    const asked = { PYTHONPATH: '/srv/site' }
    assert.deepEqual(allowedEnvironment(asked, { allowedEnvironment: ['PYTHONPATH'] }, true), asked)
  })

  it('never says the value it refuses', () => {
    assert.throws(
      () => allowedEnvironment({ LD_PRELOAD: 'a secret' }, none, true),
      (error: Error) => !error.message.includes('a secret'),
    )
  })
})
