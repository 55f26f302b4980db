import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { readConfigFile } from '../config-file.ts'
import { configSource } from './config-source.ts'

const FROM = '/srv/jupyterhub/jupyterhub_config.py'

describe('the source of a config', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-source-'))
  })
  after(() => rm(folder, { recursive: true }))

  let count = 0
  async function read(source: string): Promise<unknown> {
    const path = join(folder, `config-${count++}.ts`)
    await writeFile(path, source)
    return readConfigFile({ path, named: true })
  }

  it('is formatted, with the functions of plug-ins and comments on what is lost', () => {
    const source = configSource(
      {
        tree: {
          servers: { stopTimeout: 60, cmd: ['/opt/bin/jupyterhub-singleuser'] },
          bindUrl: 'http://:8000',
          authenticator: { kind: 'shared-password', userPassword: "it's" },
          spawner: { kind: 'local', accounts: 'linux' },
          services: [
            {
              name: 'a',
              command: ['/opt/jupyterhub/bin/python', '-m', 'jupyterhub_idle_culler', '--timeout=3600'],
            },
          ],
          pages: { templateVars: { 'odd name': [1, null, true] } },
        },
        findings: [
          {
            severity: 'warning',
            setting: 'Spawner.post_stop_hook',
            places: [{ file: FROM, line: 7 }],
            message: 'is a function',
            suggestion: 'Write it.',
          },
        ],
      },
      FROM,
    )

    assert.equal(
      source,
      `import { defineConfig, local, sharedPassword } from 'orrery'

// From ${FROM}, by orrery config import.
// What that file computed, from the environment for instance, stands here as it was. A secret may be
// written as { file: '/path' } or { env: 'NAME' } instead.

// Not carried over:
// - ${FROM}, line 7: Spawner.post_stop_hook is a function. Write it.

export default defineConfig({
  bindUrl: 'http://:8000',
  authenticator: sharedPassword({ userPassword: 'it\\'s' }),
  spawner: local({ accounts: 'linux' }),
  servers: { cmd: ['/opt/bin/jupyterhub-singleuser'], stopTimeout: 60 },
  services: [
    {
      name: 'a',
      command: ['/opt/jupyterhub/bin/python', '-m', 'jupyterhub_idle_culler', '--timeout=3600'],
    },
  ],
  pages: { templateVars: { 'odd name': [1, null, true] } },
})
`,
    )
  })

  it('starts nothing while something unsafe is undecided', async () => {
    const source = configSource(
      {
        tree: {},
        findings: [
          { severity: 'refused', setting: 'Authenticator.post_auth_hook', places: [], message: 'x', suggestion: 'y' },
        ],
      },
      FROM,
    )

    await assert.rejects(read(source), /decide what becomes of Authenticator\.post_auth_hook/)
  })

  it('reads as what was written, whatever texts and names it holds', async () => {
    const value = fc.jsonValue({ depthSize: 'small' })
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), value), fc.string(), async (vars, line) => {
        const tree = { pages: { templateVars: vars, footer: `${line}'\n\u2028*/ // \\` } }
        const finding = { severity: 'note' as const, setting: 'A.b', places: [], message: line, suggestion: '' }

        const result = await read(configSource({ tree, findings: [finding] }, FROM))

        assert.equal(JSON.stringify(result), JSON.stringify(tree))
      }),
      { numRuns: 40 },
    )
  })
})
