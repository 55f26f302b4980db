/** `auth_state` in a site's own templates, as JupyterHub hands it to them. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { pagesHub } from './testing.ts'

const SOURCE = '{% extends "templates/page.html" %}{% block main %}[{{ auth_state.department }}]{% endblock %}'

async function siteWithTemplates(test: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-templates-'))
  test.after(() => rm(folder, { recursive: true }))
  for (const name of ['home.html', 'not_running.html']) await writeFile(join(folder, name), SOURCE)
  const pages = await pagesHub({
    renderer: { templatePaths: [folder] },
    authState: async user => ({ department: `of ${user.name}` }),
  })
  test.after(() => pages.close())
  return pages
}

it('is the auth state of whoever looks at the page, or of the owner of the server for an administrator', async test => {
  const pages = await siteWithTemplates(test)
  await pages.hub.addUser('ada')
  await pages.hub.addUser('root', { admin: true })
  const [ada, root] = [pages.visitor(), pages.visitor()]
  await ada.signIn('ada')
  await root.signIn('root')
  pages.servers.set({ user: 'ada', server: '' }, { phase: 'stopped' })

  assert.match((await ada.get('/hub/home')).body, /\[of ada\]/)
  assert.match((await ada.get('/hub/user/ada/')).body, /\[of ada\]/)
  assert.match((await root.get('/hub/spawn-pending/ada')).body, /\[of ada\]/)
})

it('is kept from people who share a server but may not read it', async test => {
  const pages = await siteWithTemplates(test)
  await pages.hub.addUser('ada')
  const { id } = await pages.hub.addUser('eve')
  const role = await pages.hub.addRole('helper', ['access:servers!user=ada', 'servers!user=ada'])
  await pages.hub.database.db
    .insertInto('user_role_map')
    .values({ user_id: id, role_id: role, managed_by_auth: false })
    .execute()
  const eve = pages.visitor()
  await eve.signIn('eve')
  pages.servers.set({ user: 'ada', server: '' }, { phase: 'stopped' })

  const page = await eve.get('/hub/spawn-pending/ada')

  assert.equal(page.statusCode, 200)
  assert.match(page.body, /\[\]/)
})
