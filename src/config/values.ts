/** The kinds of values that options have and that JSON has not: durations, sizes, URLs, secrets. */
import { z } from 'zod'

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }
// The units of JupyterHub's ByteSpecification.
const SIZE_UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** `90`, `'90s'`, `'1.5h'`: becomes a number of seconds. */
export const duration = z
  .union([z.number(), z.string()])
  .meta({ title: 'duration' })
  .transform((value, context) => {
    const seconds = typeof value === 'number' ? value : parseUnits(value, DURATION_UNITS, 1)
    if (seconds !== undefined && seconds >= 0 && Number.isFinite(seconds)) return seconds
    context.addIssue({ code: 'custom', message: `expected a duration such as 30, '30s', '5m' or '2h'`, input: value })
    return z.NEVER
  })

/** `1073741824`, `'512M'`, `'2G'`: becomes a number of bytes. */
export const byteSize = z
  .union([z.number(), z.string()])
  .meta({ title: 'size' })
  .transform((value, context) => {
    const bytes = typeof value === 'number' ? value : parseUnits(value, SIZE_UNITS, 1)
    if (bytes !== undefined && bytes > 0 && Number.isFinite(bytes)) return Math.round(bytes)
    context.addIssue({ code: 'custom', message: `expected a size such as '512M' or '2G'`, input: value })
    return z.NEVER
  })

/** An address to listen on or to connect to. */
export const httpUrl = z.string().refine(isHttpUrl, { error: 'expected a URL such as http://127.0.0.1:8000' })

/** Somewhere a browser may be sent: a path or an address of the web. */
export const link = z.string().refine(isLink, { error: 'expected a path or an http(s) URL' })

/** A prefix that starts and ends with a slash; a missing one is added. */
export const pathPrefix = z
  .string()
  .regex(/^[\w\-./~]*$/, { error: 'expected a path such as / or /jupyter/' })
  .transform(text => `/${text}/`.replace(/\/+/g, '/'))

/**
 * A text nobody shall see. In the config it may stand as `{ file: '/path' }` or `{ env: 'NAME' }`; the loader has
 * replaced those before the schema sees the value.
 */
export const secretText = z
  .union([z.string(), z.strictObject({ file: z.string() }), z.strictObject({ env: z.string() })])
  .meta({ title: 'string' })
  .transform((value, context) => {
    if (typeof value === 'string') return value
    context.addIssue({ code: 'custom', message: 'expected a text, { file } or { env }', input: undefined })
    return z.NEVER
  })

/** 0 stands for no limit, as everywhere in JupyterHub. */
export const limit = z.int().min(0)

/** Several names, in any order; doubles count once. */
export const nameList = z.array(z.string().min(1)).transform(names => [...new Set(names)])

function parseUnits(text: string, units: Readonly<Record<string, number>>, plain: number): number | undefined {
  const parts = /^\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*$/.exec(text)
  if (!parts) return undefined
  const [, digits, unit = ''] = parts
  const factor = unit === '' ? plain : units[unit]
  return factor === undefined ? undefined : Number(digits) * factor
}

function isHttpUrl(text: string): boolean {
  // `http://:8000` is how JupyterHub writes "every address"; URL.parse wants a host.
  const url = URL.parse(text.replace('//:', '//0.0.0.0:'))
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== ''
}

function isLink(text: string): boolean {
  const url = URL.parse(text, 'http://localhost')
  return text !== '' && url !== null && ['http:', 'https:'].includes(url.protocol)
}
