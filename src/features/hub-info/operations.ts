import { z } from 'zod'
import { empty, json, namedSchema, type Operation } from '../../http/operation.ts'
import { serviceFields } from '../services/answers.ts'
import { userFields } from '../users/answers.ts'
import { shutdown as shutdownBody } from './schemas.ts'

const version = () => z.string().meta({ description: 'The version of JupyterHub whose API this is.' })

export const getVersion: Operation = {
  id: 'getVersion',
  tag: 'hub',
  summary: 'The version of the API',
  answers: { 200: json('Also for scripts of other origins.', () => z.strictObject({ version: version() })) },
}

export const getInfo = {
  id: 'getInfo',
  tag: 'hub',
  summary: 'What the hub runs on',
  scopes: ['read:hub'],
  answers: {
    200: json('Versions, authenticator and spawner.', () => {
      const plugin = z.strictObject({ class: z.string(), version: z.string() })
      return z.strictObject({
        version: version(),
        python: z.string(),
        sys_executable: z.string(),
        spawner: plugin,
        authenticator: plugin,
      })
    }),
  },
} satisfies Operation

/** What the token or cookie of the request stands for. */
const credential = () => ({
  scopes: z.array(z.string()).meta({ description: 'All that the caller may do.' }),
  session_id: z.string().nullable(),
  token_id: z.string().nullable(),
})

export const getSelf: Operation = {
  id: 'getSelf',
  tag: 'hub',
  summary: 'Who am I?',
  description: 'Any token may ask. `scopes` tells what it permits.',
  callers: 'known',
  answers: {
    200: json(
      'The user or the service, and what the token or cookie permits.',
      namedSchema('Self', () =>
        z.union([
          z.strictObject({ ...userFields(), ...credential() }),
          z.strictObject({ ...serviceFields(), ...credential() }),
        ]),
      ),
    ),
  },
}

export const shutDown = {
  id: 'shutDown',
  tag: 'hub',
  summary: 'End the hub',
  description: 'Servers go on unless they are named.',
  scopes: ['shutdown'],
  body: shutdownBody,
  bodyExample: { servers: false },
  answers: { 202: json('The hub ends after this answer.', () => z.strictObject({ message: z.string() })) },
} satisfies Operation

export const getHealth: Operation = {
  id: 'getHealth',
  tag: 'hub',
  summary: 'Does the hub answer?',
  answers: { 200: empty('It does.') },
}
