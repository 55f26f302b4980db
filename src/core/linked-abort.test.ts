import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { describe, it } from 'node:test'
import { linkedAbort, timedAbort } from './linked-abort.ts'

describe('linked abort', () => {
  it('aborts with any of its parents, for its reason, and leaves them alone', () => {
    const [first, second] = [new AbortController(), new AbortController()]
    const linked = linkedAbort(first.signal, undefined, second.signal)

    second.abort('second')

    assert.equal(linked.signal.reason, 'second')
    assert.equal(first.signal.aborted, false)
  })

  it('is aborted from the beginning where a parent is', () => {
    assert.equal(linkedAbort(AbortSignal.abort('before')).signal.reason, 'before')
  })

  it('leaves no listener behind once it is unlinked', () => {
    const parent = new AbortController()
    const linked = linkedAbort(parent.signal)

    linked.unlink()
    parent.abort()

    assert.equal(linked.signal.aborted, false)
    assert.deepEqual(getEventListeners(parent.signal, 'abort'), [])
  })

  it('aborts when its time is over, and not after it was unlinked', async () => {
    const [over, ended] = [timedAbort(5), timedAbort(5)]
    ended.unlink()

    await once(over.signal, 'abort')

    assert.equal((over.signal.reason as DOMException).name, 'TimeoutError')
    assert.equal(ended.signal.aborted, false)
  })
})
