import { z } from 'zod'
import { ASK_FOR_PAGES, listOrPage } from '../../http/answer-schemas.ts'
import { jsonValue } from '../../http/json-body.ts'
import { empty, json, type Operation } from '../../http/operation.ts'
import { pageQuery } from '../../http/pagination.ts'
import { proxyMove } from './schemas.ts'

const proxy = { tag: 'proxy', scopes: ['proxy'] } as const

export const listRoutes = {
  ...proxy,
  id: 'listRoutes',
  summary: 'Show the routes of the proxy',
  description: ASK_FOR_PAGES,
  query: pageQuery,
  answers: {
    200: json('The routes, by path or host.', () => {
      const route = z.strictObject({
        routespec: z.string(),
        target: z.string(),
        data: z.record(z.string(), jsonValue()),
      })
      return listOrPage(z.record(z.string(), route))
    }),
  },
} satisfies Operation

const certificate = () =>
  z
    .strictObject({
      kind: z.enum(['files', 'self-signed', 'acme']),
      names: z.array(z.string()),
      issuer: z.string(),
      not_before: z.string().nullable(),
      not_after: z.string().nullable(),
      fault: z.string().nullable().meta({ description: 'Why there is no newer one although there should be.' }),
    })
    .meta({ description: 'What browsers see; null for a proxy without HTTPS, or one that does not tell.' })

export const listProxies = {
  ...proxy,
  id: 'listProxies',
  summary: 'Show which proxies the hub keeps, and which of them answer',
  answers: {
    200: json('Each proxy, the first of the configuration first.', () =>
      z.array(
        z.strictObject({
          api_url: z.string(),
          up: z.boolean(),
          since: z.string().meta({ format: 'date-time', description: 'When that changed, or when the hub started.' }),
          certificate: certificate().nullable(),
        }),
      ),
    ),
  },
} satisfies Operation

export const checkRoutes = {
  ...proxy,
  id: 'checkRoutes',
  summary: 'Make the proxy agree with the database now',
  answers: { 200: empty('It agrees.') },
} satisfies Operation

export const moveProxy = {
  ...proxy,
  id: 'moveProxy',
  summary: 'Tell the hub of another proxy',
  body: proxyMove,
  bodyExample: { api_url: 'http://127.0.0.1:8001' },
  answers: { 200: empty('The other proxy has all routes.') },
  faults: { 409: 'The configuration says where the proxy is.' },
} satisfies Operation
