import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type OpenNotebook, openNotebook } from './open-notebook.ts'
import { type SurvivesSite, survivesSite } from './survives-site.ts'
import type { WayToRun } from './way-to-run.ts'

/** A real server with an open notebook, in which a cell runs through all that happens. */
export function goesOn(open: () => Promise<WayToRun>): void {
  describe('a server in which somebody works', () => {
    let way: WayToRun
    let site: SurvivesSite
    let notebook: OpenNotebook
    let state: unknown
    let first: string | undefined

    before(async () => {
      way = await open()
      site = await survivesSite(way, way.realServer)
      await site.requestStart()
      const ready = await site.settled()
      assert.ok(ready.ready, JSON.stringify(ready))
      state = ready.state
      first = way.whatRuns(state)
      assert.ok(first)
      assert.ok(await isOpen(), 'the person is let in')
      notebook = await openNotebook(`${site.url}/user/${way.person}`, site.token)
    })
    after(async () => {
      notebook?.close()
      await site?.close()
      await way?.close()
    })

    /** By the cookie that the server itself has given. */
    async function isOpen(): Promise<boolean> {
      const path = `/user/${way.person}/lab`
      const { at, status } = await site.visitor.go(path)
      return status === 200 && new URL(at).pathname.startsWith(path)
    }

    async function isAsBefore(): Promise<void> {
      await site.knowsEverything()
      assert.equal(way.whatRuns(state), first, 'it is the same server')
      assert.ok(await isOpen(), 'the person is still let in')
    }

    let cells = 0
    for (const part of ['hub', 'launcher'] as const) {
      it(`goes on with its connections when the ${part} is killed`, async () => {
        await notebook.begin()
        await site.orrery().killPart(part)

        assert.equal(await notebook.finish(), `finished ${++cells}\n`)
        await isAsBefore()
      })
    }

    it('goes on when the proxy is killed, and is reached again', async () => {
      await notebook.begin()
      await site.orrery().killPart('proxy')

      assert.equal(await notebook.finishAnew(), `finished ${++cells}\n`)
      await isAsBefore()
    })

    it('goes on when Orrery is stopped, and is found again', async () => {
      await notebook.begin()
      await site.orrery().stop({ keepData: true })
      assert.equal(way.whatRuns(state), first)
      await site.again('--stop-servers')

      assert.equal(await notebook.finishAnew(), `finished ${++cells}\n`)
      await isAsBefore()
    })

    it('goes on when all of Orrery is killed, and is found again', async () => {
      await notebook.begin()
      await site.orrery().crash()
      assert.equal(way.whatRuns(state), first)
      await site.again('--stop-servers')

      assert.equal(await notebook.finishAnew(), `finished ${++cells}\n`)
      await isAsBefore()
    })

    it('ends with Orrery where that was asked for, even if hub and launcher are killed just then', async () => {
      for (const part of ['hub', 'launcher'] as const) process.kill(site.orrery().part(part)!.pid, 'SIGKILL')
      await site.orrery().stop({ keepData: true })
      assert.equal(way.whatRuns(state), undefined)
      await site.again()

      assert.partialDeepStrictEqual(await site.settled(), { stopped: true, reason: { failed: false } })
    })
  })
}
