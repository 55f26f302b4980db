import assert from 'node:assert/strict'
import { it } from 'node:test'
import { startServer } from './start-server.ts'

it('a process that cannot be forked is refused, with the reason for the log', async () => {
  const fault = new Error('Resource temporarily unavailable')
  const forker = { fork: () => Promise.reject(fault), close: async () => {} }
  const runAs = { name: 'alice', uid: 1, gid: 1, home: '/', shell: '/bin/sh', switchUser: false }
  const order = { runAs, argv: ['/bin/true'], environment: {}, directory: '', umask: 0o027, log: '/dev/null' }

  const started = startServer(order, forker, async () => {})

  await assert.rejects(started, { name: 'Refusal', code: 'launcher_failed', cause: fault })
})
