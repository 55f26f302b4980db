/**
 * The path of a request, once for routing and once for the upstream, so that both always mean the same resource.
 * Dot segments are resolved, backslashes become slashes and stray characters are escaped as WHATWG URLs demand
 * (configurable-http-proxy does the same); the absolute form of RFC 9112 3.2.2 loses its origin.
 */
export interface RequestPath {
  /** Normalised and still escaped, begins with `/`. */
  readonly path: string
  /** `''` or `?...`. */
  readonly search: string
  /** `path` with its escapes decoded: what routes are compared with. */
  readonly decoded: string
  /** Host of an absolute-form target; it overrides the Host header. */
  readonly authority: string | undefined
}

/** Returns undefined for a target that no URL can be made of, or whose escapes are not UTF-8. */
export function parseRequestPath(target: string): RequestPath | undefined {
  if (isPlain(target)) {
    const query = target.indexOf('?')
    const path = query === -1 ? target : target.slice(0, query)
    return { path, search: query === -1 ? '' : target.slice(query), decoded: path, authority: undefined }
  }
  // A path that begins with two slashes would be read as a host by the URL parser.
  const isPath = target.startsWith('/')
  const written = isPath ? `${BASE}${target}` : target
  if (!URL.canParse(written, BASE)) return undefined
  const url = new URL(written, BASE)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  const decoded = decode(url.pathname)
  if (decoded === undefined) return undefined
  const authority = !isPath && /^https?:/i.test(target) ? url.host : undefined
  return { path: url.pathname, search: url.search, decoded, authority }
}

/**
 * `path` without the part that `prefix` (decoded) stands for; what `--no-include-prefix` forwards.
 * Empty when nothing is left. Counts decoded characters, so that `/user/%C3%A4/lab` without `/user/ä` is `/lab`.
 */
export function stripPrefix(path: string, prefix: string): string {
  let rest = path.replace(/^\/+/, '/')
  let wanted = prefix === '/' ? '' : prefix
  while (wanted !== '' && rest !== '') {
    const piece = /^(?:%[0-9a-f]{2})+|^[^%]/i.exec(rest)?.[0] ?? rest[0]!
    const plain = decode(piece) ?? piece
    if (plain.length > wanted.length) return stripWithinEscapes(rest, wanted)
    wanted = wanted.slice(plain.length)
    rest = rest.slice(piece.length)
  }
  return rest === '' || rest.startsWith('/') ? rest : `/${rest}`
}

/** Target path and request path with one slash between them, both queries kept; what `--prepend-path` does. */
export function joinPaths(before: { path: string; search: string }, after: { path: string; search: string }): string {
  const base = before.path.endsWith('/') && after.path !== '' ? before.path.slice(0, -1) : before.path
  const path = base + after.path
  const query = [before.search.slice(1), after.search.slice(1)].filter(part => part !== '').join('&')
  return query === '' ? path : `${path}?${query}`
}

const BASE = 'http://base.invalid'

// Nothing here is changed by the URL parser or by decoding: no escapes, no dot segments, no doubled first slash.
const PLAIN = /^\/(?![/.])(?:[\w~!$&'()*+,;=:@-]|\/(?!\.)|(?<!\/)\.)*(?:\?[\w.~!$&()*+,;=:@/?%-]+)?$/

function isPlain(target: string): boolean {
  return PLAIN.test(target)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** A run of escapes reaches past the prefix (`/a%2Fb` below `/a`): take the shortest run that decodes to what is wanted. */
function stripWithinEscapes(rest: string, wanted: string): string {
  for (let end = 3; end <= rest.length; end += 3) {
    if (decode(rest.slice(0, end)) === wanted) {
      const left = rest.slice(end)
      return left.startsWith('/') ? left : `/${left.replace(/^%2f/i, '')}`
    }
  }
  return rest
}
