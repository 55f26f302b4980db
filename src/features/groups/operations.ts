import { z } from 'zod'
import { ASK_FOR_PAGES, listOrPage } from '../../http/answer-schemas.ts'
import { jsonValue } from '../../http/json-body.ts'
import { empty, json, namedSchema, type Operation } from '../../http/operation.ts'
import { GROUP } from '../../http/path-parts.ts'
import { groupMembers, groupProperties, groupsQuery, newGroup, newGroups } from './schemas.ts'

const groups = { tag: 'groups', params: { name: GROUP } } as const

/** As `groupModel` shows it: each field needs its scope. */
const groupSchema = namedSchema('Group', () =>
  z.strictObject({
    kind: z.literal('group'),
    name: z.string(),
    roles: z.array(z.string()).optional(),
    users: z.array(z.string()).optional(),
    user_count: z.int().optional().meta({ description: 'Where `users=count` asked for it.' }),
    properties: z.record(z.string(), jsonValue()).optional(),
  }),
)

export const listGroups = {
  ...groups,
  id: 'listGroups',
  summary: 'List groups',
  description: ASK_FOR_PAGES,
  scopes: ['list:groups'],
  filtered: true,
  query: groupsQuery,
  answers: { 200: json('The groups that the caller may list.', () => listOrPage(z.array(groupSchema()))) },
} satisfies Operation

export const createGroups = {
  ...groups,
  id: 'createGroups',
  summary: 'Create groups',
  description: 'Makes all of them or none.',
  scopes: ['admin:groups'],
  body: newGroups,
  bodyExample: { groups: ['physics'], users: ['ada'] },
  answers: { 201: json('The new groups.', () => z.array(groupSchema())) },
  faults: { 409: 'One of them exists already.' },
} satisfies Operation

export const getGroup = {
  ...groups,
  id: 'getGroup',
  summary: 'Show a group',
  scopes: ['read:groups', 'read:groups:name', 'read:roles:groups'],
  answers: { 200: json('The group.', groupSchema) },
} satisfies Operation

export const createGroup = {
  ...groups,
  id: 'createGroup',
  summary: 'Create a group',
  scopes: ['admin:groups'],
  body: newGroup,
  bodyExample: { users: ['ada'] },
  answers: { 201: json('The new group.', groupSchema) },
  faults: { 409: 'The group exists already.' },
} satisfies Operation

export const deleteGroup = {
  ...groups,
  id: 'deleteGroup',
  summary: 'Delete a group',
  scopes: ['delete:groups'],
  answers: { 204: empty('Deleted.') },
} satisfies Operation

export const addMembers = {
  ...groups,
  id: 'addGroupMembers',
  summary: 'Let users join a group',
  scopes: ['groups'],
  body: groupMembers,
  bodyExample: { users: ['ada', 'grace'] },
  answers: { 200: json('The group as it is now.', groupSchema) },
} satisfies Operation

export const removeMembers = {
  ...addMembers,
  id: 'removeGroupMembers',
  summary: 'Let users leave a group',
} satisfies Operation

export const setProperties = {
  ...groups,
  id: 'setGroupProperties',
  summary: 'Replace the properties of a group',
  scopes: ['groups'],
  body: groupProperties,
  bodyExample: { memory: '4G' },
  answers: { 200: json('The group as it is now.', groupSchema) },
} satisfies Operation
