import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { until } from '../until.ts'
import { type ServerModel, type SurvivesSite, survivesSite } from './survives-site.ts'
import type { WayToRun } from './way-to-run.ts'

/** Servers that do not go on, or not where they were, while no hub looks after them. */
export function isPutInOrder(open: () => Promise<WayToRun>): void {
  describe('what is left half-way', () => {
    let way: WayToRun
    let site: SurvivesSite
    const strangers: Server[] = []

    before(async () => {
      way = await open()
      site = await survivesSite(way, way.tinyServer)
    })
    after(async () => {
      for (const stranger of strangers) stranger.close()
      await site?.close()
      await way?.close()
    })

    /** A start whose server does not listen until `answers`. */
    async function begun(): Promise<ServerModel> {
      rmSync(way.whenFile, { force: true })
      await site.requestStart()
      return until('what runs is on record', async () => {
        const now = await site.server()
        return now.pending === 'spawn' && way.whatRuns(now.state) !== undefined && now
      })
    }

    const answers = () => writeFileSync(way.whenFile, '', { mode: 0o644 })

    async function started(): Promise<ServerModel> {
      answers()
      await site.requestStart()
      const server = await site.settled()
      assert.ok(server.ready, JSON.stringify(server))
      assert.equal(await statusOf(), 200)
      return server
    }

    async function statusOf(): Promise<number> {
      return (await fetch(`${site.url}/user/${way.person}/api`, { redirect: 'manual' })).status
    }

    /** Somebody else's program on the port; tells what came to it. */
    async function strangerAt(port: number): Promise<string[]> {
      const heard: string[] = []
      const stranger = createServer((request, answer) => {
        heard.push(`${request.method} ${request.url} ${request.headers.cookie ?? ''}`)
        answer.end('a stranger')
      })
      strangers.push(stranger)
      await once(stranger.listen(port, '127.0.0.1'), 'listening')
      return heard
    }

    it('a start goes on when the hub is killed, with what it has made', async () => {
      const { state } = await begun()
      const first = way.whatRuns(state)
      await site.orrery().killPart('hub')
      answers()

      const server = await site.settled()
      assert.ok(server.ready, JSON.stringify(server))
      assert.equal(way.whatRuns(server.state), first)
      assert.equal(await statusOf(), 200)
      await site.knowsEverything()
    })

    it('a server whose port has passed to another program is ended, and nobody is led there', async () => {
      const { state } = await site.server()
      const port = await site.port()
      await fetch(`${site.url}/user/${way.person}/leave-port/0`, { method: 'POST' })
      const heard = await until('the port is free', () => strangerAt(port))
      assert.ok(way.whatRuns(state))
      await site.orrery().killPart('hub')

      const server = await until('the hub has seen it', async () => {
        const now = await site.server()
        return now.stopped && now
      })
      assert.partialDeepStrictEqual(server, { reason: { code: 'address_taken', failed: true } })
      assert.equal(way.whatRuns(state), undefined)
      const before = heard.length
      assert.notEqual(await statusOf(), 200)
      assert.equal(heard.length, before)
    })

    it('a start is cleared away when its server has ended meanwhile', async () => {
      const { state } = await begun()
      await site.orrery().crash()
      way.kill(state)
      await site.again()

      const server = await site.settled()
      assert.partialDeepStrictEqual(server, { stopped: true, reason: { failed: true } })
      assert.equal(way.whatRuns(state), undefined)
    })

    it('a server that has ended meanwhile is told of as such, and nobody is led to its port', async () => {
      const { state } = await started()
      const port = await site.port()
      await site.orrery().crash()
      way.kill(state)
      await until('it has ended', () => way.whatRuns(state) === undefined)
      const heard = await until('the port is free', () => strangerAt(port))
      await site.again()

      const server = await until('the hub has seen it', async () => {
        const now = await site.server()
        return now.stopped && now
      })
      assert.partialDeepStrictEqual(server, { reason: { code: 'server_died', failed: true } })
      assert.notEqual(await statusOf(), 200)
      assert.deepEqual(heard, [])
    })

    it('the next start finds a launcher that was killed', async () => {
      await site.orrery().killPart('launcher')
      const { state } = await started()

      await site.orrery().killPart('launcher')
      assert.ok(way.whatRuns(state))
      await site.knowsEverything()
    })
  })
}
