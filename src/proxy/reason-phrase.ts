import { http } from '../http/node-http.ts'

export function reasonOf(status: number): string {
  return http.STATUS_CODES[status] ?? 'Error'
}
