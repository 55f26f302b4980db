import { z } from 'zod'
import { empty, json, type Operation } from '../../http/operation.ts'
import { SERVICE } from '../../http/path-parts.ts'
import { serviceSchema } from './answers.ts'
import { newService } from './schemas.ts'

const services = { tag: 'services', params: { name: SERVICE } } as const

export const listServices = {
  ...services,
  id: 'listServices',
  summary: 'List services',
  scopes: ['list:services'],
  filtered: true,
  answers: { 200: json('The services, by name.', () => z.record(z.string(), serviceSchema())) },
} satisfies Operation

export const getService = {
  ...services,
  id: 'getService',
  summary: 'Show a service',
  scopes: ['read:services', 'read:services:name', 'read:roles:services'],
  answers: { 200: json('The service.', serviceSchema) },
} satisfies Operation

export const addService = {
  ...services,
  id: 'addService',
  summary: 'Add a service while the hub runs',
  scopes: ['admin:services'],
  body: newService,
  bodyExample: { url: 'http://127.0.0.1:9999', oauth_client_id: 'service-catalogue' },
  answers: { 201: json('The new service.', serviceSchema) },
  faults: { 409: 'There is a service of this name.' },
} satisfies Operation

export const deleteService = {
  ...services,
  id: 'deleteService',
  summary: 'Remove a service that was added while the hub ran',
  scopes: ['admin:services'],
  answers: { 200: empty('Removed.') },
  faults: { 405: 'It stands in the configuration.' },
} satisfies Operation
