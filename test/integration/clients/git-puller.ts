/** `nbgitpuller`: a link of a course, followed by somebody who is not signed in and whose server does not run. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { newPage } from '../../support/browser.ts'
import { type GitServer, startGitServer } from '../../support/git-http.ts'
import { waitForOutput } from '../../support/lab.ts'
import type { ClientsSite } from './site.ts'

export function gitPuller(site: ClientsSite): void {
  describe('nbgitpuller', () => {
    let course: GitServer
    before(async () => {
      course = await startGitServer('course')
      course.commit('week 1/lesson.ipynb', notebookThatSays('first version'))
    })
    after(() => course?.close())

    it('leads from a link through login and start to the file of the course', async () => {
      const { context, page } = await newPage(site.browser())
      const query = new URLSearchParams({
        repo: course.url,
        branch: 'main',
        urlpath: 'lab/tree/course.git/week 1/lesson.ipynb',
      })
      await page.goto(`${site.url()}/hub/user-redirect/git-pull?${query}`)
      await page.locator('input[name=username]').fill('nina')
      await page.locator('input[name=password]').fill('any')
      await page.locator('main form button.button-primary').first().click()

      await page.waitForURL(url => url.pathname.startsWith('/user/nina/lab'), { timeout: 180_000 })
      await waitForOutput(page, 'first version')
      assert.equal(
        decodeURIComponent(new URL(page.url()).pathname),
        '/user/nina/lab/tree/course.git/week 1/lesson.ipynb',
      )

      course.commit('week 2.txt', 'second lesson')
      await page.goto(`${site.url()}/hub/user-redirect/git-pull?${query}`)
      await page.waitForURL(url => url.pathname.startsWith('/user/nina/lab'), { timeout: 60_000 })
      const pulled = await page.request.get(`${site.url()}/user/nina/api/contents/course.git/week%202.txt`)
      assert.partialDeepStrictEqual(await pulled.json(), { content: 'second lesson' })
      await context.close()
    })
  })
}

function notebookThatSays(text: string): string {
  const output = { output_type: 'stream', name: 'stdout', text: [text] }
  const cell = { cell_type: 'code', id: 'one', execution_count: 1, metadata: {}, outputs: [output], source: ['1'] }
  return JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 })
}
