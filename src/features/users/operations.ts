import { z } from 'zod'
import { ASK_FOR_PAGES, listOrPage } from '../../http/answer-schemas.ts'
import { empty, json, type Operation } from '../../http/operation.ts'
import { USER } from '../../http/path-parts.ts'
import { userSchema } from './answers.ts'
import { newUser, newUsers, stoppedQuery, userChanges, usersQuery } from './schemas.ts'

const users = { tag: 'users', params: { name: USER } } as const
const VISIBLE = 'Which fields an answer has depends on what the caller may read.'

export const listUsers = {
  ...users,
  id: 'listUsers',
  summary: 'List users',
  description: `${VISIBLE} ${ASK_FOR_PAGES}`,
  scopes: ['list:users'],
  filtered: true,
  query: usersQuery,
  answers: { 200: json('The users, as far as the caller may list them.', () => listOrPage(z.array(userSchema()))) },
} satisfies Operation

export const createUsers = {
  ...users,
  id: 'createUsers',
  summary: 'Create users',
  description: 'Makes those that do not exist yet, when all names are valid.',
  scopes: ['admin:users'],
  body: newUsers,
  bodyExample: { usernames: ['ada', 'grace'] },
  answers: { 201: json('Those that were made.', () => z.array(userSchema())) },
  faults: { 409: 'All of them exist already.' },
} satisfies Operation

export const getUser = {
  ...users,
  id: 'getUser',
  summary: 'Show a user',
  description: VISIBLE,
  scopes: [
    'read:users',
    'read:users:name',
    'read:servers',
    'read:users:groups',
    'read:users:activity',
    'read:roles:users',
  ],
  query: stoppedQuery,
  answers: { 200: json('The user.', userSchema) },
} satisfies Operation

export const createUser = {
  ...users,
  id: 'createUser',
  summary: 'Create a user',
  scopes: ['admin:users'],
  body: newUser,
  bodyExample: { admin: false },
  answers: { 201: json('The new user.', userSchema) },
  faults: { 409: 'The user exists already.' },
} satisfies Operation

export const changeUser = {
  ...users,
  id: 'changeUser',
  summary: 'Rename a user, or make or unmake an administrator',
  scopes: ['admin:users'],
  body: userChanges,
  bodyExample: { admin: true },
  answers: { 200: json('The user as it is now.', userSchema) },
} satisfies Operation

export const deleteUser = {
  ...users,
  id: 'deleteUser',
  summary: 'Delete a user',
  description: 'Stops their servers first. Nobody can delete themselves.',
  scopes: ['delete:users'],
  answers: { 204: empty('Deleted.') },
} satisfies Operation
