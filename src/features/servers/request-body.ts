/** Bodies of requests about one server, with the checks, words and habits of JupyterHub 6.1. */
import { HubError } from '../../core/errors.ts'
import type { Json } from '../../core/runtime.ts'

export interface ServerBody {
  readonly displayName: string | undefined
  /** Undefined: those of the last start. */
  readonly options: { [name: string]: Json } | undefined
}

/** Of POST and PUT. Before version 6 the whole body was the options; a body without the two keys still is. */
export function readServerBody(body: unknown): ServerBody {
  if (isEmpty(body)) return { displayName: undefined, options: undefined }
  if (!isObject(body)) throw refused('Body must be a JSON object')
  const { display_name: displayName, user_options: options } = body
  if ('display_name' in body && typeof displayName !== 'string') throw refused('display_name must be a string')
  if ('user_options' in body && options !== null && !isObject(options)) {
    throw refused('user_options must be an object or null')
  }
  if (!('display_name' in body) && !('user_options' in body)) return { displayName: undefined, options: body }
  return {
    displayName: typeof displayName === 'string' && displayName !== '' ? displayName : undefined,
    options: isObject(options) ? options : undefined,
  }
}

export interface ServerChanges {
  readonly name: string | undefined
  readonly displayName: string | undefined
  readonly options: { [name: string]: Json } | undefined
}

const CHANGEABLE = ['name', 'display_name', 'user_options']

/** Of PATCH. */
export function readServerChanges(body: unknown): ServerChanges {
  if (isEmpty(body)) throw refused('Must specify at least one field to modify.')
  if (!isObject(body)) throw refused('Body must be a JSON object')
  const unknown = Object.keys(body).filter(key => !CHANGEABLE.includes(key))
  if (unknown.length > 0) {
    throw refused(`Unexpected fields: ${unknown.join(', ')}, supported fields: ${CHANGEABLE.join(', ')}`)
  }
  const { name, display_name: displayName, user_options: options } = body
  if (!isAbsent(name) && typeof name !== 'string') throw refused('name must be a string')
  if (!isAbsent(displayName) && typeof displayName !== 'string') throw refused('display_name must be a string')
  if ('user_options' in body && !isObject(options)) throw refused('user_options must be a dict')
  return {
    name: typeof name === 'string' ? name : undefined,
    displayName: typeof displayName === 'string' && displayName !== '' ? displayName : undefined,
    options: isObject(options) ? options : undefined,
  }
}

/** Of DELETE: `{"remove": true}`, or nothing. */
export function readRemove(body: unknown): boolean {
  return isObject(body) && Boolean(body.remove)
}

/** What Python takes for false: no body, `null`, `{}`, `[]`, `""`, `0`, `false`. */
function isEmpty(body: unknown): boolean {
  return !body || (typeof body === 'object' && Object.keys(body).length === 0)
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}

function isObject(value: unknown): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(message: string): HubError {
  return new HubError('invalid_body', { status: 400, message })
}
