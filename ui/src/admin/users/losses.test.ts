import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Server, User } from '../../api/types.ts'
import { lossesOf } from './losses.ts'
import { phaseOf, serversOf } from './server-phase.ts'

const server = (name: string, more: Partial<Server> = {}): Server => ({
  name,
  display_name: '',
  last_activity: null,
  started: null,
  pending: null,
  ready: false,
  stopped: true,
  url: `/user/ada/${name}`,
  reason: null,
  ...more,
})

it('names the servers that stop and those that go for good', () => {
  const ada: User = { name: 'ada', admin: true, servers: { '': server('', { ready: true }), gpu: server('gpu') } }
  const bob: User = { name: 'bob', servers: { lab: server('lab', { pending: 'spawn' }) } }

  const losses = lossesOf([ada, bob, { name: 'carol' }])

  const names = (list: readonly { user: string; server: Server }[]) => list.map(each => each.user + each.server.name)
  assert.deepEqual(names(losses.running), ['ada', 'boblab'])
  assert.deepEqual(names(losses.named), ['adagpu', 'boblab'])
  assert.deepEqual(losses.admins, ['ada'])
})

it('tells a server that failed from one that was stopped', () => {
  const ended = (failed: boolean) =>
    server('', { reason: { code: 'x', message: 'x', next_step: null, administrator_step: null, failed } })

  assert.deepEqual([undefined, ended(false), ended(true), server('', { pending: 'stop', ready: true })].map(phaseOf), [
    'stopped',
    'stopped',
    'failed',
    'stopping',
  ])
})

it('shows the default server first, even when it never ran', () => {
  const names = serversOf({ name: 'ada', servers: { b: server('b'), a: server('a') } }).map(({ name }) => name)
  assert.deepEqual(names, ['', 'a', 'b'])
})
