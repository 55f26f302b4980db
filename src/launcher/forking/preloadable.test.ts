import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { preloadable } from './preloadable.ts'

describe('programs that can be preloaded', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-preloadable-'))
  after(() => rmSync(folder, { recursive: true }))
  function script(name: string, text: string): string {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  it('are the scripts of single-user servers, with the Python of their first line', () => {
    const program = script('jupyterhub-singleuser', '#!/opt/env/bin/python3.12\nimport sys\n')
    assert.deepEqual(preloadable([program, '--debug']), {
      command: [program, '--debug'],
      python: '/opt/env/bin/python3.12',
    })
  })

  it('have it in the second line where the path is long', () => {
    const program = script('jupyter-labhub', `#!/bin/sh\n'''exec' "/a b/bin/python" "$0" "$@"\n' '''\nimport sys\n`)
    assert.equal(preloadable([program])?.python, '/a b/bin/python')
  })

  it('are the module, run by a Python', () => {
    const command = ['/opt/env/bin/python3', '-m', 'jupyterhub.singleuser']
    assert.equal(preloadable(command)?.python, '/opt/env/bin/python3')
  })

  it('are no others', () => {
    const wrapper = script('jupyterhub-singleuser', '#!/bin/bash\nexec jupyter-labhub\n')
    const other = script('start-server', '#!/usr/bin/python3\n')
    for (const command of [[wrapper], [other], [join(folder, 'none')], ['/usr/bin/python3', '-m', 'http.server'], []]) {
      assert.equal(preloadable(command), undefined)
    }
  })
})
