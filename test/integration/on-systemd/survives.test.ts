/** Servers that are units. On a machine that runs systemd; `systemd.test.ts` beside this folder has one. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { skipWithoutSystemd } from '../../../src/launcher/units/testing.ts'
import { singleUserCommand } from '../../support/python-env.ts'
import { survivesSuite } from '../../support/survives/survives-suite.ts'
import { asProcesses } from '../../support/survives/way-to-run.ts'

survivesSuite(
  'systemd',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-survives-'))
    chmodSync(folder, 0o755)
    const program = join(folder, 'tiny-server.py')
    copyFileSync(join(import.meta.dirname, '../../support/tiny-server.py'), program)
    const whenFile = join(folder, 'when')
    return {
      ...asProcesses,
      config: {
        spawner: { kind: 'systemd', accountPrefix: 'tsurv-', unitName: 'survives-{username}', privateDevices: true },
        servers: { memLimit: '1G' },
      },
      person: 'uma',
      realServer: singleUserCommand(),
      tinyServer: ['/usr/bin/python3', program, '--when', whenFile],
      whenFile,
      close: () => rmSync(folder, { recursive: true, force: true }),
    }
  },
  { skip: skipWithoutSystemd },
)
