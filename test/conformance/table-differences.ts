/** Where the table of answers is meant to differ. `entry` stands in `docs/differences.md`; what no longer differs must go. */
import type { Part } from './requests.ts'

/** A status tells both: JupyterHub's, then Orrery's. */
type AllowedPart = Exclude<Part, 'status'> | `status ${number} ${number}`

export interface Allowance {
  readonly entry: string
  /** Held against `caller: METHOD path`. */
  readonly on: RegExp
  readonly parts: readonly AllowedPart[]
}

const allow = (entry: string, on: RegExp, ...parts: AllowedPart[]): Allowance => ({ entry, on, parts })

export const allowances: readonly Allowance[] = [
  allow('info-runtime', /(tester|boss.*): GET .*\/api\/info$/, 'body'),
  allow('service-defaults', /tester: GET .*\/api\/user$/, 'body'),
  allow('api-errors-are-json', /: \w+ .*\/api\/(metrics|health)$/, 'content-type', 'body', 'cookies'),
  allow('api-errors-are-json', /: OPTIONS .*\/api\/(metrics|health)$/, 'status 405 200'),
  allow('metrics-by-script', /boss on another site: GET .*\/api\/metrics$/, 'status 200 403'),
  allow('plain-words', /: POST .*\/api\/shutdown$/, 'message'),
  allow('plain-words', /: POST .*\/Bad_Name$/, 'message'),
  allow('plain-words', /: (GET|POST) .*\/api\/authorizations\//, 'message'),
  allow('legacy-authorizations', /: GET .*\/api\/authorizations\/token$/, 'status 403 404', 'status 500 404'),
  allow('legacy-authorizations', /: POST .*\/api\/authorizations\/token\/wrong$/, 'status 500 405'),
  allow('token-endpoint-without-cookies', /another site: POST .*\/oauth2\/token$/, 'status 403 401', 'body', 'headers'),
  allow('xsrf-where-it-matters', /: (POST|PUT|PATCH|DELETE) \/hub(?!\/user\/)/, 'status 403 405', 'status 403 404'),
  allow('xsrf-where-it-matters', /: POST \/hub\/security\/csp-report$/, 'status 403 200'),
  allow('stopped-server-says-so', /: (POST|PATCH|DELETE) \/hub\/user\//, 'status 403 424', 'content-type', 'body'),
  allow('stopped-server-says-so', /: PUT \/hub\/user\//, 'status 403 424', 'status 405 424', 'content-type', 'body'),
  allow('cookies-where-needed', /: (HEAD|OPTIONS|PUT|POST|PATCH|DELETE) \/hub/, 'cookies'),
  allow('cookies-where-needed', /(nobody|bob): GET \/hub\/error\//, 'cookies'),
  allow('error-page-numbers', /: GET \/hub\/error\/999$/, 'status 200 404'),
  allow('error-page-numbers', /: (HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/hub\/error\/abc$/, 'status 404 405'),
  allow('pages-without-scripts', /bob by cookie: POST \/hub\/token$/, 'status 405 200'),
  allow('signed-out', /: GET \/hub\/logout$/, 'location', 'cookies'),
]
