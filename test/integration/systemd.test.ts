/** Servers as units of systemd, on a machine that has booted with it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { referencePython } from '../support/python-env.ts'
import { type SystemdHost, startSystemdHost, withoutHost } from '../support/systemd-host.ts'

describe('on a machine that runs systemd', { skip: withoutHost, timeout: 600_000 }, () => {
  let host: SystemdHost
  before(() => {
    host = startSystemdHost({ python: referencePython() })
  })
  after(() => host?.[Symbol.dispose]())

  for (const file of [
    'src/launcher/units/units.test.ts',
    'src/spawners/local/systemd.test.ts',
    'test/integration/on-systemd/survives.test.ts',
  ]) {
    it(`${file} passes`, () => {
      const told = host.test(file)

      assert.match(told, /^ℹ pass [1-9]/m)
      assert.doesNotMatch(told, /# needs /, 'nothing is skipped for want of something')
    })
  }
})
