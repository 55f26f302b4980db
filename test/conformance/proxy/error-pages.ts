/** What people see when the proxy itself cannot serve them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { differs, type Row, row, type Setting, seen } from './rows.ts'

const builtIn: readonly Row[] = [
  row(
    'a page for 404 and one for 503',
    async (proxy, { deadUrl }) => {
      await proxy.addRoute('/dead', deadUrl)
      const answers = [
        await proxy.ask('/nowhere'),
        await proxy.ask('/dead'),
        await proxy.ask('/dead', { method: 'POST' }),
      ]
      return answers.map(answer => [...seen(answer), String(answer.headers['content-type']).replace(/;.*/, '')])
    },
    [
      [404, 'a page', 'text/html'],
      [503, 'a page', 'text/html'],
      [503, 'a page', 'text/html'],
    ],
  ),
  differs(
    'proxy-retry-after',
    'whether to come back, and when',
    async (proxy, { deadUrl }) => {
      await proxy.addRoute('/dead', deadUrl)
      return (await proxy.ask('/dead')).headers['retry-after'] ?? null
    },
    '5',
    null,
  ),
]

const fromFolder: readonly Row[] = [
  row(
    'the file of the status, else the one for the rest',
    async (proxy, { deadUrl }) => {
      await proxy.addRoute('/dead', deadUrl)
      return [seen(await proxy.ask('/nowhere')), seen(await proxy.ask('/dead'))]
    },
    [
      [404, 'own 404'],
      [503, 'own page for the rest'],
    ],
  ),
  row(
    'files are read anew for each request',
    async (proxy, { pages }) => {
      const folder = pages(proxy.program)
      writeFileSync(join(folder, 'error.html'), 'changed')
      const answer = seen(await proxy.ask('/dead'))
      writeFileSync(join(folder, '503.html'), 'own 503')
      return [answer, seen(await proxy.ask('/dead'))]
    },
    [
      [503, 'changed'],
      [503, 'own 503'],
    ],
  ),
]

const fromTarget: readonly Row[] = [
  row(
    'are fetched by status and URL, and served with that status, type and no other field',
    async (proxy, { deadUrl }) => {
      await proxy.addRoute('/dead', deadUrl)
      const missing = await proxy.ask('/no/where?x=%C3%BC&y')
      const dead = await proxy.ask('/dead', { method: 'POST', body: 'x', headers: { cookie: 'a=1' } })
      const read = ({ status, headers, body }: typeof missing) => {
        const { method, url, headers: sent } = JSON.parse(body)
        return [status, headers['content-type'], method, url, 'cookie' in sent]
      }
      return [read(missing), read(dead)]
    },
    [
      [404, 'application/json', 'GET', '/hub/error/404?url=%2Fno%2Fwhere%3Fx%3D%25C3%25BC%26y', false],
      [503, 'application/json', 'GET', '/hub/error/503?url=%2Fdead', false],
    ],
  ),
]

const fromDeadTarget: readonly Row[] = [
  row('an error target that is dead itself', async proxy => (await proxy.ask('/nowhere')).status, 404),
]

const onSocket: readonly Row[] = [
  row(
    'an error target on a Unix socket',
    async proxy => {
      const { status, body } = await proxy.ask('/nowhere')
      return [status, (JSON.parse(body) as { url: string }).url]
    },
    [404, '/base/404?url=%2Fnowhere'],
  ),
]

export const errorPages: readonly Setting[] = [
  { options: ['no error option'], flags: () => [], rows: builtIn },
  { options: ['--error-path'], flags: ({ pages }, { program }) => ['--error-path', pages(program)], rows: fromFolder },
  {
    options: ['--error-path of an empty folder'],
    flags: () => ['--error-path', '/proc/self/task'],
    rows: fromDeadTarget,
  },
  { options: ['--error-target'], flags: ({ echo }) => ['--error-target', `${echo.url}/hub/error`], rows: fromTarget },
  {
    options: ['--error-target with a slash'],
    flags: ({ echo }) => ['--error-target', `${echo.url}/hub/error/`],
    rows: fromTarget,
  },
  {
    options: ['--error-target that is dead'],
    flags: ({ deadUrl }) => ['--error-target', deadUrl],
    rows: fromDeadTarget,
  },
  {
    options: ['--error-target on a socket'],
    flags: ({ socketPath }) => ['--error-target', `http+unix://${encodeURIComponent(socketPath)}/base`],
    rows: onSocket,
  },
]
