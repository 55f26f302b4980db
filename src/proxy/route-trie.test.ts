import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalPath, RouteTrie } from './route-trie.ts'

/** The released trie, which is the measure. */
interface PeerTrie {
  add(path: string, data: unknown): void
  remove(path: string): void
  get(path: string): { prefix: string; data: unknown } | undefined
}
const { URLTrie } = createRequire(import.meta.url)('configurable-http-proxy/lib/trie.js') as {
  URLTrie: new () => PeerTrie
}

const segment = fc.constantFrom('', 'a', 'b', 'A', 'user', 'ann', 'anna', 'ä', '.', '..', '%2F', 'a b', '@')
const path = fc
  .tuple(fc.constantFrom('', '/', '//'), fc.array(segment, { maxLength: 4 }), fc.constantFrom('', '/', '//'))
  .map(([before, segments, after]) => before + segments.join('/') + after)
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), path }),
  fc.record({ do: fc.constant('delete' as const), path }),
)

describe('route trie', () => {
  it('finds what the trie of configurable-http-proxy finds, after any history', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25 }),
        fc.array(path, { minLength: 1, maxLength: 10 }),
        (history, asked) => {
          const ours = new RouteTrie<number>()
          const peer = new URLTrie()
          history.forEach((event, index) => {
            if (event.do === 'set') {
              ours.set(event.path, index)
              peer.add(event.path, index)
            } else {
              ours.delete(event.path)
              peer.remove(event.path)
            }
          })

          for (const path of asked) {
            const found = ours.find(path)
            const expected = peer.get(path)
            assert.deepEqual(
              found && { prefix: found.prefix, data: found.value },
              expected && { prefix: expected.prefix, data: expected.data },
            )
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('gives a path to the longest route that ends at a segment', () => {
    const trie = new RouteTrie<string>()
    for (const route of ['/', '/user/ann', '/user/ann/lab']) trie.set(route, route)

    assert.equal(trie.find('/user/ann/labs')?.value, '/user/ann')
    assert.equal(trie.find('/user/ann/lab/tree')?.value, '/user/ann/lab')
    assert.equal(trie.find('/user/anna')?.value, '/')
    assert.equal(trie.find('')?.value, '/')
  })

  it('has no names that mean something else to the language', () => {
    const trie = new RouteTrie<number>()
    trie.set('/user/__proto__', 1)

    assert.equal(trie.find('/user/__proto__/lab')?.value, 1)
    assert.equal(trie.find('/user/constructor'), undefined)
    assert.equal(trie.find('/toString/call'), undefined)
  })

  it('has one name for each place', () => {
    for (const path of ['a/b', '/a/b', '/a/b/', '//a/b//']) assert.equal(canonicalPath(path), '/a/b')
    for (const path of ['', '/', '//']) assert.equal(canonicalPath(path), '/')
  })
})
