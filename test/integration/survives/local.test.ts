/** Servers that the launcher starts as processes of this machine. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { singleUserCommand } from '../../support/python-env.ts'
import { survivesSuite } from '../../support/survives/survives-suite.ts'
import { asProcesses } from '../../support/survives/way-to-run.ts'

survivesSuite('the local spawner', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-survives-'))
  chmodSync(folder, 0o755)
  const program = join(folder, 'tiny-server.py')
  copyFileSync(join(import.meta.dirname, '../../support/tiny-server.py'), program)
  const whenFile = join(folder, 'when')
  return {
    ...asProcesses,
    config: { spawner: { kind: 'local', accountPrefix: 'tsurv-' } },
    person: 'uma',
    realServer: singleUserCommand(),
    tinyServer: ['/usr/bin/python3', program, '--when', whenFile],
    whenFile,
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
})
