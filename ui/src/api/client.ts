import { page } from '../lib/page.ts'

/** A refusal in the API's words. `status` 0: it could not be asked. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly nextStep: string | undefined

  constructor(status: number, code: string, message: string, nextStep?: string) {
    super(message)
    this.status = status
    this.code = code
    this.nextStep = nextStep
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Asks `/hub/api/PATH` as whoever is signed in. Resolves to undefined for an empty answer. Throws ApiError. */
export async function api<T>(
  method: Method,
  path: string,
  body?: unknown,
  options: { signal?: AbortSignal } = {},
): Promise<T> {
  return (await ask(method, path, body, options)).answer as T // the API's promise; see types.ts
}

/** As `api`, for answers whose status says something: 202 is not done yet. */
export async function apiStatus(method: Method, path: string, body?: unknown): Promise<number> {
  return (await ask(method, path, body, {})).status
}

async function ask(method: Method, path: string, body: unknown, options: { signal?: AbortSignal }) {
  const response = await fetch(`${page.hubUrl}api/${path}`, {
    method,
    headers: {
      accept: 'application/jupyterhub-pagination+json, application/json',
      'x-xsrftoken': page.xsrf,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(options.signal ? { signal: options.signal } : {}),
  }).catch(error => {
    if (options.signal?.aborted) throw error
    throw new ApiError(0, 'unreachable', 'The hub does not answer.', 'It may be restarting: try again in a moment.')
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== ''
  const answer = isJson ? (JSON.parse(text) as unknown) : undefined
  if (!response.ok) throw refusal(response.status, answer)
  return { status: response.status, answer }
}

function refusal(status: number, answer: unknown): ApiError {
  const { code = '', message, next_step } = (answer ?? {}) as { code?: string; message?: string; next_step?: string }
  if (['not_signed_in', 'xsrf_missing', 'xsrf_wrong'].includes(code)) {
    return new ApiError(status, code, 'Your session has ended.', 'Load the page again to sign in.')
  }
  return new ApiError(status, code, message ?? `The hub answered with status ${status}.`, next_step)
}

/** A path of the API with names in it. */
export function pathOf(strings: TemplateStringsArray, ...names: string[]): string {
  return String.raw({ raw: strings }, ...names.map(encodeURIComponent))
}
