/** A group's properties as people edit them: a JSON object. */
export type Parsed = { readonly value: Readonly<Record<string, unknown>> } | { readonly fault: string }

export function parseProperties(text: string): Parsed {
  if (text.trim() === '') return { value: {} }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { fault: `This is no JSON: ${(error as Error).message}` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { fault: 'Properties are a JSON object: {"name": value, …}.' }
  }
  return { value: value as Record<string, unknown> }
}

export function formatProperties(properties: Readonly<Record<string, unknown>> | undefined): string {
  return JSON.stringify(properties ?? {}, undefined, 2)
}
