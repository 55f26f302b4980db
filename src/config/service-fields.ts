/** What the config and `POST /hub/api/services/NAME` ask alike of a service. */
import { z } from 'zod'
import { isValidServiceName } from '../core/names.ts'

export const serviceName = z.string().refine(isValidServiceName, {
  error: 'expected a name without slash, percent sign, blanks at its ends or control characters',
})
export const serviceUrl = z.string().refine(isOrigin, { error: 'expected a URL such as http://127.0.0.1:9999' })
export const serviceClientId = z
  .string()
  .startsWith('service-', { error: 'expected a text that begins with service-' })
  .max(255)
export const serviceRedirectUri = z.string().min(1).max(1023)

function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && ['http:', 'https:'].includes(url.protocol) && url.hostname !== '' && url.username === ''
}
