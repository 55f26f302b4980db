/**
 * Requests that servers have been known to read in two ways, from the public lists of request smuggling (CL.TE, TE.CL,
 * TE.TE, CL.0, TE.0, chunk extensions, bare line feeds) and the demands of RFC 9112. A case says what may become of it.
 */

export interface ForwardedAs {
  readonly method: string
  readonly url: string
  readonly body: string
}

export type Verdict =
  /** Answered with one of these, the connection closed, and nothing of it sent on. */
  | { readonly refused: readonly number[] }
  /** The fault shows after the head: what was sent on is broken off, never completed. */
  | 'broken'
  /** Sent on as exactly this. */
  | { readonly forwarded: ForwardedAs }
  /** A proxy may do either. */
  | { readonly refusedOr: ForwardedAs }

export interface FramingCase {
  readonly name: string
  readonly bytes: string
  readonly verdict: Verdict
}

export const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n'

const BAD = { refused: [400] }
const BAD_OR_UNKNOWN = { refused: [400, 501] }

const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`
const post = (fields: string[], body: string) => head('POST /x HTTP/1.1', 'Host: h', ...fields) + body
const get = (...fields: string[]) => head('GET /x HTTP/1.1', 'Host: h', ...fields)
const as = (body: string, method = 'POST', url = '/x'): ForwardedAs => ({ method, url, body })

const CHUNKED = 'Transfer-Encoding: chunked'
const LENGTH_OF_SMUGGLED = `Content-Length: ${SMUGGLED.length}`

const lengths: FramingCase[] = [
  { name: 'CL.TE', bytes: post(['Content-Length: 6', CHUNKED], `0\r\n\r\n${SMUGGLED}`), verdict: BAD },
  { name: 'TE.CL', bytes: post([CHUNKED, 'Content-Length: 4'], `5c\r\n${SMUGGLED}0\r\n\r\n`), verdict: BAD },
  { name: 'two lengths', bytes: post(['Content-Length: 4', 'Content-Length: 5'], 'body'), verdict: BAD },
  {
    name: 'the same length twice',
    bytes: post(['Content-Length: 4', 'Content-Length: 4'], 'body'),
    verdict: { refusedOr: as('body') },
  },
  { name: 'a list of lengths', bytes: post(['Content-Length: 4, 4'], 'body'), verdict: { refusedOr: as('body') } },
  { name: 'a list of different lengths', bytes: post(['Content-Length: 4, 5'], 'body'), verdict: BAD },
  ...['+4', '-4', '0x4', '4 4', '4;', '4.0', '4e0', '4_', '', '"4"', '\x0b4', '4\x0c', '18446744073709551620', '٤'].map(
    value => ({
      name: `length ${JSON.stringify(value)}`,
      bytes: post([`Content-Length: ${Buffer.from(value).toString('latin1')}`], `body${SMUGGLED}`),
      verdict: BAD,
    }),
  ),
  {
    name: 'a length with zeros before it',
    bytes: post(['Content-Length: 0004'], 'body'),
    verdict: { refusedOr: as('body') },
  },
  {
    name: 'white space around a length',
    bytes: post(['Content-Length: \t 4 \t'], 'body'),
    verdict: { forwarded: as('body') },
  },
  {
    name: 'CL.0: a GET with a body',
    bytes: get(LENGTH_OF_SMUGGLED) + SMUGGLED,
    verdict: { forwarded: as(SMUGGLED, 'GET') },
  },
  {
    name: 'a HEAD with a body',
    bytes: head('HEAD /x HTTP/1.1', 'Host: h', LENGTH_OF_SMUGGLED) + SMUGGLED,
    verdict: { forwarded: as(SMUGGLED, 'HEAD') },
  },
  {
    name: 'an upgrade with a body',
    bytes: get('Connection: Upgrade', 'Upgrade: websocket', LENGTH_OF_SMUGGLED) + SMUGGLED,
    verdict: { refusedOr: as(SMUGGLED, 'GET') },
  },
  {
    name: 'a length named by Connection',
    bytes: post(['Connection: Content-Length', LENGTH_OF_SMUGGLED], SMUGGLED),
    verdict: { refusedOr: as(SMUGGLED) },
  },
]

const codings: FramingCase[] = [
  ...[
    'xchunked',
    'chunkedx',
    'chunked, identity',
    'identity, chunked',
    'identity',
    'chunked, chunked',
    'gzip, chunked',
    'chunked, gzip',
    'chunked;q=1',
    '"chunked"',
    "'chunked'",
    'chunked,',
    ',chunked',
    'cow',
    '\x0bchunked',
    'chunked\x0c',
    'ch\x00unked',
    'chunked\x00',
    'ch\x96unked',
    '\xa0chunked',
    'chun\rked',
    'chunked\r',
    '',
  ].map(value => ({
    name: `transfer coding ${JSON.stringify(value)}`,
    bytes: post([`Transfer-Encoding: ${value}`], `0\r\n\r\n${SMUGGLED}`),
    verdict: BAD_OR_UNKNOWN,
  })),
  ...['Chunked', 'CHUNKED', ' \tchunked\t '].map(value => ({
    name: `transfer coding ${JSON.stringify(value)} is chunked`,
    bytes: post([`Transfer-Encoding:${value}`], '4\r\nbody\r\n0\r\n\r\n'),
    verdict: { forwarded: as('body') },
  })),
  {
    name: 'TE.TE: chunked and identity',
    bytes: post([CHUNKED, 'Transfer-Encoding: identity'], '0\r\n\r\n'),
    verdict: BAD_OR_UNKNOWN,
  },
  {
    name: 'TE.TE: identity and chunked',
    bytes: post(['Transfer-Encoding: identity', CHUNKED], '0\r\n\r\n'),
    verdict: BAD_OR_UNKNOWN,
  },
  { name: 'chunked twice', bytes: post([CHUNKED, CHUNKED], '0\r\n\r\n'), verdict: BAD_OR_UNKNOWN },
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    ' Transfer-Encoding: chunked',
    '\tTransfer-Encoding: chunked',
    'X: y\r\n Transfer-Encoding: chunked',
    'X: y\nTransfer-Encoding: chunked',
    'X: y\rTransfer-Encoding: chunked',
    'Transfer-Encoding\n: chunked',
    'Transfer-Encoding:\n chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding: chunked\r\n foo',
    'Transfer-Encoding\x00: chunked',
    'Transfer-Encoding\x0b: chunked',
    'Tra\xadnsfer-Encoding: chunked',
    '\x00Transfer-Encoding: chunked',
    ': Transfer-Encoding: chunked',
  ].map(field => ({
    name: `field ${JSON.stringify(field)}`,
    bytes: post([field, 'Content-Length: 5'], `0\r\n\r\n${SMUGGLED}`),
    verdict: BAD,
  })),
  {
    name: 'a field that only looks like a coding',
    bytes: post(['Transfer_Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'),
    verdict: { refusedOr: as('0\r\n\r\n') },
  },
  {
    name: 'chunks in HTTP/1.0',
    bytes: `${head('POST /x HTTP/1.0', 'Host: h', CHUNKED)}0\r\n\r\n${SMUGGLED}`,
    verdict: BAD,
  },
  {
    name: 'a GET in chunks',
    bytes: `${get(CHUNKED)}4\r\nbody\r\n0\r\n\r\n`,
    verdict: { forwarded: as('body', 'GET') },
  },
  {
    name: 'chunks named by Connection',
    bytes: post(['Connection: Transfer-Encoding', CHUNKED], '4\r\nbody\r\n0\r\n\r\n'),
    verdict: { refusedOr: as('body') },
  },
]

const brokenChunks: FramingCase[] = [
  ['a size that overflows 64 bits', 'fffffffffffffffff\r\nbody\r\n0\r\n\r\n'],
  ['a size that wraps to 4', '10000000000000004\r\nbody\r\n0\r\n\r\n'],
  ['a signed size', '+4\r\nbody\r\n0\r\n\r\n'],
  ['a negative size', '-4\r\nbody\r\n0\r\n\r\n'],
  ['a prefixed size', '0x4\r\nbody\r\n0\r\n\r\n'],
  ['a size with an underscore', '4_\r\nbody\r\n0\r\n\r\n'],
  ['no size', '\r\nbody\r\n0\r\n\r\n'],
  ['no digit', 'g\r\nbody\r\n0\r\n\r\n'],
  ['an extension without a size', ';a=b\r\nbody\r\n0\r\n\r\n'],
  ['white space before the size', ' 4\r\nbody\r\n0\r\n\r\n'],
  ['line feeds alone', '4\nbody\n0\n\n'],
  ['a line feed alone behind the size', '4\nbody\r\n0\r\n\r\n'],
  ['a line feed alone behind the chunk', '4\r\nbody\n0\r\n\r\n'],
  ['a line feed alone behind the last size', '4\r\nbody\r\n0\n\r\n'],
  ['a carriage return alone behind the size', '4\rbody\r\n0\r\n\r\n'],
  ['two other bytes behind the chunk', '4\r\nbodyXX0\r\n\r\n'],
  ['a chunk longer than its size', '3\r\nbody\r\n0\r\n\r\n'],
  ['a line feed in an extension', `4;a\nbody\r\n0\r\n\r\n`],
  ['a carriage return in an extension', `4;a\rb\r\nbody\r\n0\r\n\r\n`],
  ['a null byte in an extension', '4;a=\0\r\nbody\r\n0\r\n\r\n'],
  ['a folded trailer', '0\r\nX-A: b\r\n c\r\n\r\n'],
  ['a trailer without a colon', '0\r\nX-A\r\n\r\n'],
  ['a trailer with a space before its colon', '0\r\nX-A : b\r\n\r\n'],
  ['a trailer ended by a line feed', '0\r\nX-A: b\n\r\n'],
  ['a trailer with a null byte', '0\r\nX-A: b\0\r\n\r\n'],
  ['trailers without end', `0\r\n${'X-A: b\r\n'.repeat(20_000)}\r\n`],
].map(([name, body]) => ({
  name: `chunks: ${name}`,
  bytes: post([CHUNKED], body + SMUGGLED),
  verdict: 'broken' as const,
}))

const oddChunks: FramingCase[] = [
  ['an extension', '4;a=b\r\nbody\r\n0\r\n\r\n'],
  ['a quoted extension', '4;a="x;y"\r\nbody\r\n0\r\n\r\n'],
  ['an extension of the last chunk', '4\r\nbody\r\n0;last\r\n\r\n'],
  ['zeros before the size', '00004\r\nbody\r\n0000\r\n\r\n'],
  ['white space behind the size', '4 \r\nbody\r\n0\r\n\r\n'],
  ['an extension of 8 KB', `4;${'a'.repeat(8192)}\r\nbody\r\n0\r\n\r\n`],
].map(([name, body]) => ({
  name: `chunks: ${name}`,
  bytes: post([CHUNKED], body!),
  verdict: { refusedOr: as('body') },
}))

const fields: FramingCase[] = [
  ...[
    'X-A: b\r\n c',
    'X-A: b\r\n\tc',
    'X-A : b',
    'X-A: b\0c',
    'X\0A: b',
    'X-A: b\rc',
    'X-A: b\r\r',
    'X-A: b\nX-B: c',
    'X-A: b\x01c',
    'X-A: b\x7fc',
    'X A: b',
    'X(A): b',
    'X@A: b',
    'X\xe4A: b',
    ': b',
    'X-A',
    '\x00',
    ' ',
  ].map(field => ({ name: `field ${JSON.stringify(field)}`, bytes: get(field), verdict: BAD })),
  { name: 'bytes above 127 in a value', bytes: get('X-A: \xe4\xff'), verdict: { forwarded: as('', 'GET') } },
  { name: 'an empty value', bytes: get('X-A:'), verdict: { forwarded: as('', 'GET') } },
  { name: 'white space before the first field', bytes: 'GET /x HTTP/1.1\r\n X-A: b\r\nHost: h\r\n\r\n', verdict: BAD },
  { name: 'lines ended by line feeds', bytes: 'GET /x HTTP/1.1\nHost: h\n\n', verdict: BAD },
  { name: 'an end of the head by line feeds', bytes: 'GET /x HTTP/1.1\r\nHost: h\n\n', verdict: BAD },
  { name: 'lines ended by carriage returns', bytes: 'GET /x HTTP/1.1\rHost: h\r\r', verdict: 'broken' },
  { name: 'no host', bytes: head('GET /x HTTP/1.1', 'X: y'), verdict: BAD },
  { name: 'two hosts', bytes: get('Host: other'), verdict: BAD },
  { name: 'the same host twice', bytes: get('host: h'), verdict: BAD },
  ...['a b', 'a/b', 'u@h', 'h\\x', 'h?x', 'h#x', 'h:80x', 'h:80:80', '[::1', '<h>'].map(host => ({
    name: `host ${JSON.stringify(host)}`,
    bytes: head('GET /x HTTP/1.1', `Host: ${host}`),
    verdict: BAD,
  })),
  { name: 'a huge field', bytes: get(`X-A: ${'a'.repeat(70_000)}`), verdict: { refused: [400, 431] } },
  { name: 'a huge name', bytes: get(`${'a'.repeat(70_000)}: b`), verdict: { refused: [400, 431] } },
  {
    name: 'many small fields beyond the limit',
    bytes: get(...Array(20_000).fill('X-A: b')),
    verdict: { refused: [400, 431] },
  },
]

const requestLines: FramingCase[] = [
  ...[
    'GET\t/x\tHTTP/1.1',
    'GET /x HTTP/1.1 ',
    ' GET /x HTTP/1.1',
    'GET /x http/1.1',
    'GET /x HTTP/1.10',
    'GET /x HTTPS/1.1',
    'GET /x ICE/1.0',
    'GET /x',
    'GET /x /y HTTP/1.1',
    'GET /x\0 HTTP/1.1',
    'GET /x\x01 HTTP/1.1',
    'GET /x\x7f HTTP/1.1',
    'GET /x\rHTTP/1.1',
    'GET x HTTP/1.1',
    'GET  HTTP/1.1',
    'GET * HTTP/1.1',
    'G\0T /x HTTP/1.1',
    'G(T /x HTTP/1.1',
    '/x HTTP/1.1',
    'GET',
    '\0',
  ].map(line => ({ name: `line ${JSON.stringify(line)}`, bytes: head(line, 'Host: h'), verdict: BAD })),
  ...['HTTP/1.2', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/0.9', 'HTTP/9.9', 'HTTP/1', 'HTTP/11', 'HTTP/1,1', 'HTTP/ 1.1'].map(
    version => ({
      name: `version ${version}`,
      bytes: head(`GET /x ${version}`, 'Host: h'),
      verdict: { refused: [400, 505] },
    }),
  ),
  { name: 'HTTP/0.9', bytes: 'GET /x\r\n', verdict: 'broken' },
  // RFC 9112 3 lets a server be lenient with white space in the request line.
  ...['GET  /x HTTP/1.1', 'GET /x  HTTP/1.1'].map(line => ({
    name: `line ${JSON.stringify(line)}`,
    bytes: head(line, 'Host: h'),
    verdict: { refusedOr: as('', 'GET') },
  })),
  { name: 'the preface of HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', verdict: { refused: [400, 505] } },
  { name: 'a TLS greeting', bytes: `\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03${'\x11'.repeat(200)}`, verdict: BAD },
  { name: 'an unknown method', bytes: head('FOO /x HTTP/1.1', 'Host: h'), verdict: { refused: [400, 405, 501] } },
  {
    name: 'a method in small letters',
    bytes: head('get /x HTTP/1.1', 'Host: h'),
    verdict: { refused: [400, 405, 501] },
  },
  {
    name: 'a huge method',
    bytes: head(`${'A'.repeat(70_000)} /x HTTP/1.1`, 'Host: h'),
    verdict: { refused: [400, 414, 431, 501] },
  },
  {
    name: 'a huge target',
    bytes: head(`GET /${'a'.repeat(70_000)} HTTP/1.1`, 'Host: h'),
    verdict: { refused: [400, 414, 431] },
  },
  { name: 'a tunnel', bytes: head('CONNECT h:443 HTTP/1.1', 'Host: h:443'), verdict: { refused: [400, 405, 501] } },
  {
    name: 'a target with an authority',
    bytes: head('GET http://other/x HTTP/1.1', 'Host: h'),
    verdict: { refusedOr: as('', 'GET') },
  },
  ...['http://u:p@other/x', 'http://a b/x', 'ftp://other/x', 'http:///x', 'http:/x', 'http:x', 'javascript:x'].map(
    target => ({
      name: `target ${target}`,
      bytes: head(`GET ${target} HTTP/1.1`, 'Host: h'),
      verdict: BAD,
    }),
  ),
  ...['/%zz', '/%', '/%f', '/%ff'].map(target => ({
    name: `target ${target}`,
    bytes: head(`GET ${target} HTTP/1.1`, 'Host: h'),
    verdict: BAD,
  })),
  {
    name: 'line ends that are escaped stay escaped',
    bytes: head('GET /x%0d%0aX-Evil:%20y?q=%0d%0a HTTP/1.1', 'Host: h'),
    verdict: { forwarded: as('', 'GET', '/x%0d%0aX-Evil:%20y?q=%0d%0a') },
  },
  {
    name: 'empty lines before the request',
    bytes: `\r\n\r\n${get()}`,
    verdict: { refusedOr: as('', 'GET') },
  },
]

export const FRAMING_CASES: readonly FramingCase[] = [
  ...lengths,
  ...codings,
  ...brokenChunks,
  ...oddChunks,
  ...fields,
  ...requestLines,
]
