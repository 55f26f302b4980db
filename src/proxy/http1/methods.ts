/** Methods that Node knows; what others there are, it refuses, and so does this proxy. */
import { http } from '../../http/node-http.ts'

export const METHODS: ReadonlySet<string> = new Set(http.METHODS)
