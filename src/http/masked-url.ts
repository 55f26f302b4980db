/**
 * A request's target as it may stand in a log: values of query fields that carry secrets are cut out. The names are
 * those JupyterHub masks and our one-time links, and as there a field counts when its name contains one of them.
 */
export function maskUrl(url: string): string {
  const shown = url.replace(/(\/api\/authorizations\/(?:cookie|token)\/)[^?]*/, '$1[secret]')
  const query = shown.indexOf('?')
  if (query === -1) return shown
  const fields = shown
    .slice(query + 1)
    .split('&')
    .map(maskField)
  return `${shown.slice(0, query)}?${fields.join('&')}`
}

const SECRET_NAMES = /token|auth|link|key|code|state|_xsrf|password|secret/i

function maskField(field: string): string {
  const equals = field.indexOf('=')
  if (equals === -1) return field
  const name = field.slice(0, equals)
  // An escaped name is still that name for whoever reads the query.
  return SECRET_NAMES.test(unescaped(name)) ? `${name}=[secret]` : field
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
