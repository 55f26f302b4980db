import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { maskSecrets, readableLog, withoutTerminalCodes } from './mask-secrets.ts'

/** Where servers, kernels and people's programs print secrets. */
const PLACES: readonly ((secret: string) => string)[] = [
  secret => `JUPYTERHUB_API_TOKEN=${secret}`,
  secret => `export JPY_API_TOKEN="${secret}"`,
  secret => `environ({'HOME': '/home/ada', 'JUPYTERHUB_API_TOKEN': '${secret}', 'LANG': 'C'})`,
  secret => `{"token":"${secret}","user":"ada"}`,
  secret => `{\\"api_key\\": \\"${secret}\\"}`,
  secret => `[I 2026-01-01] http://127.0.0.1:8888/user/ada/lab?token=${secret}`,
  secret => `302 GET /user/ada/oauth_callback?code=${secret}&state=${secret} (@127.0.0.1) 3.21ms`,
  secret => `Authorization: token ${secret}`,
  secret => `authorization: Bearer ${secret}`,
  secret => `{'Authorization': 'Basic ${secret}'}`,
  secret => `Proxy-Authorization: ${secret}`,
  secret => `Cookie: _xsrf=${secret}; jupyterhub-session-id=${secret}`,
  secret => `Set-Cookie: jupyterhub-hub-login="${secret}"; HttpOnly; Path=/hub/`,
  secret => `sent with bearer ${secret}`,
  secret => `psycopg2.connect(password='${secret}')`,
  secret => `cannot connect to postgresql://hub:${secret}@127.0.0.1/hub`,
  secret => `curl --api-token ${secret} https://example.org`,
  secret => `aws_secret_access_key = ${secret}`,
  secret => `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n${secret}\n-----END RSA PRIVATE KEY-----`,
]

const secret = fc.stringMatching(/^[A-Za-z0-9_.~+]{16,80}$/)
const line = fc
  .string({ maxLength: 60, unit: 'grapheme' })
  .map(text => text.replaceAll(/[\r\n\v\f\u0085\u2028\u2029]/g, ''))

describe('masking secrets', () => {
  it('leaves nothing of a secret in any place where one is printed, whatever stands around', () => {
    const told = fc.tuple(secret, fc.constantFrom(...PLACES), line, line)
    fc.assert(
      fc.property(told, ([value, place, before, after]) => {
        const masked = maskSecrets(`${before}\n${place(value)}\n${after}\n`)
        assert.ok(!masked.includes(value), masked)
        assert.match(masked, /\[hidden\]/)
      }),
      { numRuns: 2000 },
    )
  })

  it("hides a hub's token wherever it stands alone", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{32}$/), fc.constantFrom(' ', '/', '"', ',', '(', ''), (token, edge) => {
        assert.ok(!maskSecrets(`my ${edge}${token}${edge} and\n${token}\n`).includes(token))
      }),
    )
  })

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(secret, fc.constantFrom(...PLACES), line, (value, place, rest) => {
        const once = readableLog(`${rest}${place(value)}${rest}`)
        assert.equal(readableLog(once), once)
      }),
      { numRuns: 2000 },
    )
  })

  it('leaves what a server says otherwise', () => {
    const log = `[I 2026-01-01 10:00:00.000 ServerApp] jupyterlab | extension was successfully linked.
[I ServerApp] Kernel started: 0b4a2c3d-1111-4222-8333-444455556666
OSError: [Errno 28] No space left on device: '/home/ada/.local'
ModuleNotFoundError: No module named 'jupyterhub'
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
`
    assert.equal(readableLog(log), log)
  })

  it('takes no longer on hostile lines than on others', () => {
    const hostile = ['token', '://a:', '"\\', 'cookie', '-', 'a'.repeat(50), '2|1:0|1', '='].map(bit =>
      bit.repeat(30_000),
    )
    const began = performance.now()
    for (const text of hostile) maskSecrets(text)
    assert.ok(performance.now() - began < 5000, `${performance.now() - began} ms`)
  })

  it('takes out what would colour, move or hide text', () => {
    assert.equal(
      withoutTerminalCodes('\u001b[31mred\u001b[0m \u001b]0;title\u0007a\u0000b\r\nc\u202ed\te\n'),
      'red ab\ncd\te\n',
    )
    assert.equal(readableLog('tok\u001b[0men=abcdefgh12345678\n'), 'token=[hidden]\n')
  })
})
