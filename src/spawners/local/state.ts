import { z } from 'zod'

/**
 * What is remembered of a server. `pid` is the one key of JupyterHub's LocalProcessSpawner, so each hub can take over
 * the other's servers; the others are absent in a state that JupyterHub wrote.
 */
export type LocalState = {
  pid: number
  /** Without its suffix, where the server is a unit of systemd: the one key of JupyterHub's SystemdSpawner. */
  unit_name?: string
  /** Names the process for ever, so that a pid given to another process later is no mistake. */
  startTime?: string
  /** Where it was told to listen. */
  ip?: string
  port?: number
  /** Absent: `http`. */
  proto?: 'http' | 'https'
}

const stored = z.object({
  pid: z.int().min(2).optional(),
  unit_name: z
    .string()
    .regex(/^[A-Za-z0-9:_.\\-]{1,247}$/)
    .optional()
    .catch(undefined),
  startTime: z.string().optional().catch(undefined),
  ip: z.string().optional().catch(undefined),
  port: z.int().optional().catch(undefined),
  proto: z.enum(['http', 'https']).optional().catch(undefined),
})

/** The part of a state that names the process; empty for what cannot be read. The launcher also knows it by its key. */
export function claimOf(state: unknown): { pid?: number; startTime?: string; unit?: string } {
  const parsed = stored.safeParse(state)
  if (!parsed.success) return {}
  const { pid, startTime, unit_name } = parsed.data
  return {
    ...(pid !== undefined && { pid }),
    ...(pid !== undefined && startTime !== undefined && { startTime }),
    ...(unit_name !== undefined && { unit: unit_name }),
  }
}

/** Where the server was told to listen; a state that JupyterHub wrote does not say. */
export function placeOf(
  state: unknown,
): { ip?: string | undefined; port: number; proto?: 'http' | 'https' | undefined } | undefined {
  const { data } = stored.safeParse(state)
  return data?.port === undefined ? undefined : { ip: data.ip, port: data.port, proto: data.proto }
}
