/** What `Connection` says (RFC 9110 7.6.1). */
export interface ConnectionOptions {
  readonly close: boolean
  readonly keepAlive: boolean
  readonly upgrade: boolean
  /** Names of fields, in lower case, that are for this hop only. */
  readonly nominated: ReadonlySet<string> | undefined
}

/** A peer must not be able to take these away by naming them. */
const NEVER_NOMINATED = new Set(['host', 'content-length', 'transfer-encoding', 'trailer', 'expect', 'date'])

const NONE: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, nominated: undefined }
const CLOSE: ConnectionOptions = { ...NONE, close: true }
const KEEP_ALIVE: ConnectionOptions = { ...NONE, keepAlive: true }

/** @param value all `Connection` fields, joined by commas */
export function connectionOptions(value: string | undefined): ConnectionOptions {
  if (value === undefined) return NONE
  if (value === 'keep-alive') return KEEP_ALIVE
  if (value === 'close') return CLOSE
  const names = new Set<string>()
  for (const part of value.split(',')) names.add(part.trim().toLowerCase())
  const has = (name: string) => names.delete(name)
  const [close, keepAlive, upgrade] = [has('close'), has('keep-alive'), has('upgrade')]
  names.delete('')
  for (const name of NEVER_NOMINATED) names.delete(name)
  return { close, keepAlive, upgrade, nominated: names.size > 0 ? names : undefined }
}
