import type { FastifyRequest } from 'fastify'

/** Parameters of a request, each with all its values, from the query and a posted form. */
export interface Parameters {
  /** The last value; an absent one is undefined. */
  get(name: string): string | undefined
  all(name: string): readonly string[]
  /** The first of these names that occurs more than once. */
  firstRepeated(names: readonly string[]): string | undefined
}

/** Query first, then the form, so that the form's values are the last. */
export function parametersOf(request: FastifyRequest): Parameters {
  const values = new Map<string, string[]>()
  collect(values, request.query)
  if (isForm(request)) collect(values, request.body)
  return {
    get: name => values.get(name)?.at(-1),
    all: name => values.get(name) ?? [],
    firstRepeated: names => names.find(name => (values.get(name)?.length ?? 0) > 1),
  }
}

export function isForm(request: FastifyRequest): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')
}

function collect(into: Map<string, string[]>, source: unknown): void {
  if (typeof source !== 'object' || source === null) return
  for (const [name, value] of Object.entries(source)) {
    const texts = [value].flat().filter(item => typeof item === 'string')
    into.set(name, [...(into.get(name) ?? []), ...texts])
  }
}
