import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { joinPaths, parseRequestPath, stripPrefix } from './request-path.ts'

describe('request path', () => {
  it('is what a URL parser makes of it, for targets of any characters', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      '/',
      '.',
      '..',
      '%2e',
      '%2F',
      '%41',
      '?',
      '#',
      ';',
      ':',
      '@',
      "'",
      '"',
      '{',
      '\\',
      '|',
      '^',
      ' ',
      'ä',
      '~',
      '+',
      '&',
      '=',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const target = `/${pieces.join('')}`
        const url = new URL(`http://base.invalid${target}`)

        const parsed = parseRequestPath(target)

        assert.deepEqual(parsed && { path: parsed.path, search: parsed.search }, {
          path: url.pathname,
          search: url.search,
        })
        assert.equal(parsed?.decoded, decodeURIComponent(url.pathname))
      }),
      { numRuns: 2000 },
    )
  })

  it('does not take a doubled first slash for a host', () => {
    assert.equal(parseRequestPath('//evil.example/x')?.decoded, '//evil.example/x')
  })

  it('takes host and path from the absolute form', () => {
    assert.deepEqual(parseRequestPath('http://example.org:81/a?b'), {
      path: '/a',
      search: '?b',
      decoded: '/a',
      authority: 'example.org:81',
    })
  })

  it('is refused when its escapes are not UTF-8, or its scheme not HTTP', () => {
    assert.equal(parseRequestPath('/%ff'), undefined)
    assert.equal(parseRequestPath('/%'), undefined)
    assert.equal(parseRequestPath('ftp://example.org/'), undefined)
  })

  it('loses the prefix of its route, however that is escaped', () => {
    assert.equal(stripPrefix('/user/ann/lab', '/user/ann'), '/lab')
    assert.equal(stripPrefix('/user/ann', '/user/ann'), '')
    assert.equal(stripPrefix('/user/ann', '/'), '/user/ann')
    assert.equal(stripPrefix('/user/%C3%A4/lab', '/user/ä'), '/lab')
    assert.equal(stripPrefix('/%75ser/%41nn/%6cab', '/user/Ann'), '/%6cab')
    assert.equal(stripPrefix('/user%2Fann%2Flab', '/user/ann'), '/%2Flab')
  })

  it('is joined to the target with one slash and both queries', () => {
    assert.equal(joinPaths({ path: '/', search: '' }, { path: '/a', search: '' }), '/a')
    assert.equal(joinPaths({ path: '/base', search: '' }, { path: '/a', search: '?x=1' }), '/base/a?x=1')
    assert.equal(joinPaths({ path: '/base/', search: '?k=v' }, { path: '/a', search: '?x=1' }), '/base/a?k=v&x=1')
    assert.equal(joinPaths({ path: '/', search: '' }, { path: '', search: '?x' }), '/?x')
    assert.equal(joinPaths({ path: '/base', search: '' }, { path: '', search: '' }), '/base')
    assert.equal(joinPaths({ path: '/', search: '' }, { path: '//a', search: '' }), '//a')
  })
})
