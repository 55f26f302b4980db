import type { Browser } from 'playwright-core'

/** What the clients of one test file share. It is there once the file's `before` has run. */
export interface ClientsSite {
  url(): string
  browser(): Browser
}
