/** Lie below the API, but people see them: their errors, headers and forms are those of pages. */
const PAGES = ['hub/api/oauth2/authorize', 'hub/api/docs']

/**
 * Is this the address of the REST API? Errors there are JSON, bodies are JSON whatever their content type says, and
 * `OPTIONS` is answered. `url` is a request's target below `baseUrl`, which begins and ends with a slash.
 */
export function isApiPath(url: string, baseUrl: string): boolean {
  const rest = belowBase(url, baseUrl)
  return rest !== undefined && /^hub\/api(\/|$)/.test(rest) && !PAGES.includes(rest)
}

/** The OAuth endpoints lie below the API but speak forms, as RFC 6749 has it. */
export function speaksForms(url: string, baseUrl: string): boolean {
  return !isApiPath(url, baseUrl) || belowBase(url, baseUrl)!.startsWith('hub/api/oauth2/')
}

/** The path without its query. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

function belowBase(url: string, baseUrl: string): string | undefined {
  const path = pathOf(url)
  return path.startsWith(baseUrl) ? path.slice(baseUrl.length) : undefined
}
