import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { spawnerOption, systemd } from '../../config/spawners.ts'
import { unitSettings } from '../../launcher/units/unit-settings.ts'
import { unitSettingsOf } from './unit-settings-of.ts'

const settingsOf = (options: Parameters<typeof systemd>[0]) => unitSettingsOf(spawnerOption.parse(systemd(options)))

describe('what the launcher is told of units', () => {
  it('is what it takes, each property in the order of systemd', () => {
    const settings = settingsOf({
      privateTmp: true,
      readonlyPaths: ['/', '-/srv/old'],
      readwritePaths: ['/home/{username}'],
      properties: { IOWeight: 50, PrivateTmp: false, InaccessiblePaths: ['/a', '/b'] },
    })

    assert.deepEqual(unitSettings.parse(settings), {
      name: 'jupyter-{username}-{servername}',
      slice: 'orrery-servers.slice',
      properties: [
        ['PrivateTmp', 'yes'],
        ['NoNewPrivileges', 'yes'],
        ['ReadOnlyPaths', '/'],
        ['ReadOnlyPaths', '-/srv/old'],
        ['ReadWritePaths', '/home/{username}'],
        ['IOWeight', '50'],
        ['PrivateTmp', 'no'],
        ['InaccessiblePaths', '/a'],
        ['InaccessiblePaths', '/b'],
      ],
    })
    assert.equal(unitSettingsOf(spawnerOption.parse({ kind: 'local' })), undefined)
  })

  it('names no property that decides which program runs as whom, and no path that holds a second one', () => {
    for (const name of [
      'ExecStartPre',
      'User',
      'EnvironmentFile',
      'StandardOutput',
      'Restart',
      'lower',
      'X=Y',
      'RootImage',
    ])
      assert.throws(() => settingsOf({ properties: { [name]: 'x' } }), new RegExp(name))
    assert.throws(() => settingsOf({ properties: { IOWeight: '1\nUser=root' } }), /control character/)
    assert.throws(() => settingsOf({ readwritePaths: ['/home /etc'] }), /absolute path/)
    assert.throws(() => settingsOf({ unitName: '{username}' }), /jupyter-\{username\}/)
    assert.throws(() => settingsOf({ slice: '../x.slice' }), /NAME\.slice/)
  })
})
