import type { Subdomains } from '../core/subdomains.ts'

/**
 * Where to go after a login: a path on this host, or an empty text when `next` leads anywhere else, cannot stand in a
 * header, or would sign the person out again. `host` is that of the browser's address, port included. Absolute
 * addresses of this host, and of the hosts of users and services, become paths: the hub sends people on to those.
 * Follows what browsers make of an address (WHATWG URL), not what it looks like.
 */
export function safeNext(
  next: string | undefined,
  baseUrl: string,
  host: string,
  subdomains?: Pick<Subdomains, 'includes'>,
): string {
  if (!next || next.length > 4096) return ''
  const local = next.replaceAll('\\', '%5C')
  // Browsers drop tabs and line ends inside an address, and skip any number of slashes before a host.
  if (hasControlCharacters(local)) return ''
  const isPath = local.startsWith('/') && !local.startsWith('//')
  if (!isPath && !/^(https?:)?\/\//i.test(local)) return ''
  const url = URL.parse(local.replace(/^\/{2,}/, '//'), `http://${host}/`)
  if (!url || url.username || url.password) return ''
  if (url.host !== hostAsUrlsWriteIt(url.protocol, host) && !subdomains?.includes(url.host)) return ''
  const path = `/${url.pathname.replace(/^\/+/, '')}`
  if (path === `${baseUrl}hub/logout`) return ''
  // A path comes back as it was written: single-user servers are particular about their escapes.
  return isPath ? encodeForHeader(local) : path + url.search + url.hash
}

/** In lower case and without the scheme's own port. */
function hostAsUrlsWriteIt(protocol: string, host: string): string | undefined {
  return URL.parse(`${protocol}//${host}/`)?.host
}

function encodeForHeader(path: string): string {
  return path.toWellFormed().replace(/[^\x21-\x7e]+/gu, part => encodeURIComponent(part))
}

function hasControlCharacters(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}
