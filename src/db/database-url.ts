import { isAbsolute, resolve } from 'node:path'
import { HubError } from '../core/errors.ts'

/** What a database URL says. */
export type DatabaseUrl =
  | {
      readonly dialect: 'sqlite' /** Absolute path; undefined for a database in memory. */
      readonly file: string | undefined
      readonly display: string
    }
  | { readonly dialect: 'postgres'; readonly connectionString: string; readonly display: string }

/**
 * Reads a URL as SQLAlchemy does: `sqlite://` (memory), `sqlite:///relative.sqlite`, `sqlite:////absolute.sqlite`,
 * `postgresql://` with or without a driver (`postgresql+psycopg2://`). `sqlite:///` paths are relative to `folder`
 * (the working folder when absent). Throws HubError `database_url_invalid`.
 */
export function parseDatabaseUrl(url: string, folder: string = process.cwd()): DatabaseUrl {
  const scheme = /^([a-z0-9]+)(?:\+[a-z0-9_]+)?:\/\//.exec(url)
  if (scheme?.[1] === 'sqlite') return sqliteUrl(url.slice(scheme[0].length), folder)
  if (scheme?.[1] === 'postgresql' || scheme?.[1] === 'postgres') {
    const connectionString = `postgresql://${url.slice(scheme[0].length)}`
    return { dialect: 'postgres', connectionString, display: withoutPassword(connectionString) }
  }
  throw new HubError('database_url_invalid', {
    status: 500,
    message: `The database URL ${JSON.stringify(withoutPassword(url))} is of no kind that is supported.`,
    nextStep: 'Use sqlite:///file.sqlite or postgresql://user:password@host/database.',
  })
}

function sqliteUrl(rest: string, folder: string): DatabaseUrl {
  const path = decodeURIComponent(rest.replace(/\?.*$/, ''))
  if (path === '' || path === '/:memory:' || path === '/') {
    return { dialect: 'sqlite', file: undefined, display: 'sqlite://' }
  }
  if (!path.startsWith('/')) {
    throw new HubError('database_url_invalid', {
      status: 500,
      message: `The database URL "sqlite://${rest}" lacks a slash.`,
      nextStep: 'Use three slashes for a relative path, four for an absolute one: sqlite:///jupyterhub.sqlite.',
    })
  }
  const named = path.slice(1)
  const file = isAbsolute(named) ? named : resolve(folder, named)
  return { dialect: 'sqlite', file, display: `sqlite:///${file}` }
}

/** For logs and messages. */
function withoutPassword(url: string): string {
  return url.replace(/^([^/]*\/\/[^/@:]*):.*@/, '$1:***@').replace(/([?&]password=)[^&]*/gi, '$1***')
}
