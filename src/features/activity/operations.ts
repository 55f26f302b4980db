import { empty, type Operation } from '../../http/operation.ts'
import { USER } from '../../http/path-parts.ts'
import { activityBody } from './schemas.ts'

export const postActivity = {
  id: 'postActivity',
  tag: 'users',
  summary: 'Tell when somebody last worked',
  description: 'Single-user servers do. Times before the known ones change nothing.',
  params: { name: USER },
  scopes: ['users:activity'],
  body: activityBody,
  bodyExample: { servers: { '': { last_activity: '2026-01-15T09:30:00Z' } } },
  answers: { 200: empty('Taken down.') },
} satisfies Operation
