import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  checkNewServerName,
  escapePathSegment,
  isValidDisplayName,
  isValidServerName,
  isValidUserName,
  joinUrlPath,
  oauthCallbackPath,
  oauthClientId,
  progressPath,
  serverPath,
  unmistakableClientId,
} from './names.ts'

describe('names', () => {
  it('lay servers out as JupyterHub does', () => {
    assert.equal(serverPath({ user: 'alice', server: '' }), '/user/alice/')
    assert.equal(serverPath({ user: 'alice', server: 'gpu' }, '/lab/'), '/lab/user/alice/gpu/')
    assert.equal(oauthCallbackPath({ user: 'alice', server: 'gpu' }), '/user/alice/gpu/oauth_callback')
    assert.equal(progressPath({ user: 'a b', server: '' }), '/hub/api/users/a%20b/server/progress')
    assert.equal(progressPath({ user: 'alice', server: 'gpu' }), '/hub/api/users/alice/servers/gpu/progress')
  })

  it('keep @ in paths and encode it in client identifiers, which become cookie names', () => {
    assert.equal(serverPath({ user: 'a@b.org', server: '' }), '/user/a@b.org/')
    assert.equal(oauthClientId({ user: 'a@b.org', server: '' }), 'jupyterhub-user-a%40b.org')
    assert.equal(oauthClientId({ user: 'alice', server: 'x y' }), 'jupyterhub-user-alice-x%20y')
  })

  it('never give two servers one path, one address or one client, whatever they are called', () => {
    const part = fc.oneof(fc.constantFrom('a', '-', '.', '%', '%2F', '%2f', '~', '@', ' ', 'ü', '/', '\\'), fc.string())
    const name = fc.array(part, { maxLength: 4 }).map(parts => parts.join('').toWellFormed())
    const key = fc.record({ user: name.filter(text => isValidUserName(text)), server: name.filter(isSafeOldName) })
    fc.assert(
      fc.property(key, key, (one, other) => {
        fc.pre(one.user !== other.user || one.server !== other.server)
        for (const nameOf of [serverPath, oauthCallbackPath, progressPath, unmistakableClientId])
          assert.notEqual(nameOf(one), nameOf(other))
        assert.match(serverPath(one), /^\/user\/[^/]+\/([^/]+\/)?$/)
        assert.match(unmistakableClientId(one), /^[\w.~%-]+$/)
      }),
    )
  })

  it('join paths without doubling slashes', () => {
    assert.equal(joinUrlPath('/', 'user', 'x', '/'), '/user/x/')
    assert.equal(joinUrlPath('http://hub:8081/', '/hub/api', 'users'), 'http://hub:8081/hub/api/users')
    assert.equal(joinUrlPath('/a/', '', ''), '/a/')
    assert.equal(joinUrlPath('/', '/'), '/')
    assert.equal(joinUrlPath(), '')
  })

  it('allow of new servers what JupyterHub 6 allows', () => {
    for (const name of ['a', 'gpu', 'gpu-2', 'a1-b2-c3', 'a'.repeat(30)]) assert.ok(isValidServerName(name), name)
    for (const name of ['', '1a', '-a', 'a-', 'a--b', 'A', 'a_b', 'a b', 'é', 'a'.repeat(31), 'a\n']) {
      assert.ok(!isValidServerName(name), name)
    }
    assert.throws(() => checkNewServerName('A', 'A'), { code: 'invalid_server_name', status: 400 })
    assert.throws(() => checkNewServerName('a', ' A'), { code: 'invalid_display_name', status: 400 })
  })

  it('let display names be printable text', () => {
    for (const name of ['My GPU!', 'é', '日本', '😀 ok', 'x'.repeat(255)]) assert.ok(isValidDisplayName(name), name)
    for (const name of ['', ' a', 'a ', 'a  b', 'a\tb', 'a\u00a0b', 'a\u200bb', 'x'.repeat(256)]) {
      assert.ok(!isValidDisplayName(name), JSON.stringify(name))
    }
  })

  it('refuse user names that would break a path', () => {
    for (const name of ['alice', 'Ålice', 'a.b', 'a b', 'x%2e']) assert.ok(isValidUserName(name), name)
    for (const name of ['', 'a/b', '.', '..', '%2e%2e', ' a', 'a ']) assert.ok(!isValidUserName(name), name)
    assert.ok(!isValidUserName('Bob', /^[a-z]+$/))
  })

  const python = process.env.ORRERY_TEST_JUPYTERHUB_PYTHON
  it('escape as the released package does', { skip: !python && 'ORRERY_TEST_JUPYTERHUB_PYTHON is not set' }, () => {
    const names = ["it's", 'a@b~c', 'a+b (c)*!', 'ünï', 'a%2Fb', '日本', '$&,;=:[]']
    const theirs = execFileSync(
      python!,
      [
        '-c',
        'import json,sys; from jupyterhub.utils import url_escape_path; print(json.dumps([url_escape_path(n) for n in json.load(sys.stdin)]))',
      ],
      { input: JSON.stringify(names), encoding: 'utf8' },
    )
    assert.deepEqual(names.map(escapePathSegment), JSON.parse(theirs))
  })
})

/** Those from before JupyterHub 6 may hold anything that a path can; the hub has no others. */
function isSafeOldName(name: string): boolean {
  return name === '' || isValidUserName(name)
}
