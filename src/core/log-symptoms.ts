/** What servers print before they end, and what it means. */
import type { Reason } from './reason.ts'
import { type ServerReasonCode, serverReason } from './server-reasons.ts'

interface Symptom {
  readonly code: ServerReasonCode
  readonly seen: RegExp
  message(match: RegExpExecArray): string
  /** It also explains a server that still runs and is not ready in time. */
  readonly holdsUp?: true
}

/** From the most telling to the least. */
const SYMPTOMS: readonly Symptom[] = [
  {
    code: 'port_taken',
    seen: /address already in use|port \d+ is already in use/i,
    message: () => 'The port of the server was taken by another program before the server could listen on it.',
  },
  {
    code: 'disk_full',
    seen: /Disk quota exceeded/i,
    message: () => 'The server could not write: the user has used up the quota.',
    holdsUp: true,
  },
  {
    code: 'disk_full',
    seen: /No space left on device/i,
    message: () => 'The server could not write: the disk is full.',
    holdsUp: true,
  },
  {
    code: 'out_of_memory',
    seen: /^MemoryError|Cannot allocate memory/im,
    message: () => 'The server found no memory to start with.',
    holdsUp: true,
  },
  {
    code: 'hub_unreachable',
    seen: /(?:Failed to connect to|cannot connect to|error connecting to) (?:my )?hub(?: at (\S+))?|check_hub_version/i,
    message: ([, address]) => `The server could not reach the hub${address ? ` at ${address}` : ''}.`,
    holdsUp: true,
  },
  {
    code: 'singleuser_too_old',
    // Those of before 4 ask for the classic Notebook where nobody tells them otherwise.
    seen: /jupyterhub-singleuser (?:server )?version ([0-3]\.\S+)|import_item\(JUPYTERHUB_SINGLEUSER_APP\)[\s\S]{0,2000}?No module named 'notebook/i,
    message: ([, version]) =>
      `The package jupyterhub in the servers' Python environment is too old${version ? ` (${version})` : ''}.`,
  },
  {
    code: 'singleuser_missing',
    seen: /No module named '?jupyterhub(?:\.\w+)*'?/,
    message: () => 'The Python environment of the servers lacks the package jupyterhub, or has too old a one.',
  },
  {
    code: 'python_module_missing',
    seen: /No module named '?([\w.]+)'?/,
    message: ([, module]) => `The Python environment of the servers lacks the module ${module}.`,
  },
  {
    code: 'file_not_permitted',
    seen: /PermissionError: \[Errno 13\] Permission denied: '([^']+)'/,
    message: ([, path]) => `The server may not use ${path}.`,
  },
]

/** Lines that are looked through: one traceback can be longer than what anybody wants to see. */
export const LOOKED_THROUGH = 400
/** Lines that people are shown. */
const SHOWN = 40

/** The end of a log as it is kept with a reason. */
export function shownLog(log: string): string {
  if (log.trim() === '') return ''
  const end = log.endsWith('\n') ? '\n' : ''
  const lines = log.slice(0, log.length - end.length).split('\n')
  return lines.slice(-SHOWN).join('\n') + end
}

/**
 * From the last `LOOKED_THROUGH` lines. Undefined when nothing in them is known. `held up`: the server had not ended, so only what keeps a server from getting on
 * counts; others print errors that they get over.
 */
export function reasonInLog(log: string, when: 'ended' | 'held up'): Reason | undefined {
  for (const { seen, code, message, holdsUp } of SYMPTOMS) {
    const match = when === 'ended' || holdsUp ? seen.exec(log) : null
    if (match) return { ...serverReason(code, message(match)), logTail: shownLog(log) }
  }
  return undefined
}
