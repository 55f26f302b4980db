import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createSubdomains } from '../core/subdomains.ts'
import { safeNext } from './safe-next.ts'

const next = (text: string | undefined) => safeNext(text, '/', 'hub.example:8000')

describe('next', () => {
  it('keeps paths as they were written', () => {
    for (const path of [
      '/',
      '/hub/home',
      '/user/a%20b/lab/tree/x?y=z&n=%2F#frag',
      '/user/~alice@x/',
      '/elsewhere',
      '/hub/login?next=%2F%2Fevil',
    ]) {
      assert.equal(next(path), path)
    }
  })

  it('makes paths of addresses of this host', () => {
    assert.equal(next('http://hub.example:8000/hub/home?a=b#c'), '/hub/home?a=b#c')
    assert.equal(next('//hub.example:8000/user/a'), '/user/a')
    assert.equal(next('HTTPS://HUB.example:8000/x'), '/x')
    assert.equal(next('http://hub.example:8000//evil.example'), '/evil.example')
    assert.equal(safeNext('https://hub.example/x', '/', 'hub.example:443'), '/x')
  })

  it('refuses everything that leads elsewhere', () => {
    const elsewhere = [
      'http://evil.example/',
      '//evil.example',
      '///evil.example',
      '////evil.example/x',
      'https:/evil.example',
      'https:evil.example',
      'evil.example',
      'hub/home',
      '',
      '/\t/evil.example',
      '/\n/evil.example',
      '\t//evil.example',
      'javascript:alert(1)',
      'data:text/html,x',
      'http://hub.example:8000@evil.example/',
      'http://user@hub.example:8000/',
      'http://hub.example:8000.evil.example/',
      'http://hub.example/',
      '\\\\evil.example',
      ' //evil.example',
      'http:\\\\evil.example',
      '//hub.example:8000\\@evil.example',
    ]
    for (const text of elsewhere) assert.equal(next(text), '', JSON.stringify(text))
    assert.equal(next(undefined), '')
    assert.equal(next(`/${'a'.repeat(5000)}`), '')
  })

  it('turns backslashes into what browsers cannot take for slashes', () => {
    assert.equal(next('/\\evil.example'), '/%5Cevil.example')
  })

  it('cannot break out of a header', () => {
    assert.equal(next('/x\r\nSet-Cookie: a=b'), '')
    assert.match(next('/ü\u2028x'), /^[\x21-\x7e]+$/)
  })

  it('leads from the hosts of users and services back to the hub, which sends people on', () => {
    const subdomains = createSubdomains({ host: 'https://hub.example:8000' })
    const ofSite = (text: string) => safeNext(text, '/', 'hub.example:8000', subdomains)
    assert.equal(ofSite('https://ada.hub.example:8000/user/ada/lab?x=y#z'), '/user/ada/lab?x=y#z')
    assert.equal(ofSite('//ada.hub.example:8000//evil.example/'), '/evil.example/')
    for (const elsewhere of [
      'https://ada.hub.example/',
      'https://evilhub.example:8000/',
      'https://a@ada.hub.example:8000/',
    ]) {
      assert.equal(ofSite(elsewhere), '', elsewhere)
    }
    assert.equal(next('https://ada.hub.example:8000/'), '')
  })

  it('does not sign the person out again', () => {
    assert.equal(next('/hub/logout'), '')
    assert.equal(next('/hub/logout?x=y'), '')
    assert.equal(safeNext('/jupyter/hub/logout', '/jupyter/', 'h'), '')
  })

  it('stays on this host for whatever a browser makes of it', () => {
    const pieces = [
      '/',
      '//',
      '\\',
      'hub.example:8000',
      'evil.example',
      'http:',
      'https:',
      'HTTP:',
      '@',
      ':',
      '?',
      '#',
      '%2F',
      '%5C',
      '\t',
      '\n',
      ' ',
      '.',
      '..',
      'ü',
      '\u2028',
      'a',
      ';',
      '&next=',
    ]
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map(parts => parts.join(''))
    fc.assert(
      fc.property(text, candidate => {
        const target = next(candidate)
        if (target === '') return
        assert.match(target, /^\/[\x21-\x7e]*$/)
        for (const scheme of ['http', 'https']) {
          const url = new URL(target, `${scheme}://hub.example:8000/hub/login`)
          assert.deepEqual([url.protocol, url.host, url.username], [`${scheme}:`, 'hub.example:8000', ''])
        }
      }),
      { numRuns: 3000 },
    )
  })
})
