/** Events of a start in the shape JupyterHub's event stream gives them. */
import type { Reason } from '../../core/reason.ts'
import type { ServerKey } from '../../core/server-key.ts'
import type { ProgressEvent } from '../../core/server-state.ts'
import { type SiteAddresses, serverUrl } from '../../core/subdomains.ts'
import type { ReadyEvent } from '../../plugin/hooks.ts'
import { reasonModel } from './model.ts'

/** Of any event but the last good one, which is `readyEvent`. */
export function progressModel(event: ProgressEvent, options: { withLog: boolean }): Record<string, unknown> {
  if (event.failed) return failedEvent(event.reason, options)
  return {
    progress: event.percent,
    message: event.message,
    ...(event.htmlMessage !== undefined && { html_message: event.htmlMessage }),
    ...(event.rawEvent !== undefined && { raw_event: event.rawEvent }),
  }
}

export function readyEvent(key: ServerKey, site: SiteAddresses): ReadyEvent {
  const url = serverUrl(key, site)
  return {
    progress: 100,
    ready: true,
    message: `Server ready at ${url}`,
    // Path and host are encoded: nothing in them means anything in HTML.
    html_message: `Server ready at <a href="${url}">${url}</a>`,
    url,
  }
}

/** `reason` is more than JupyterHub tells; its clients ignore what they do not know. `withLog`: the caller may read logs. */
export function failedEvent(reason: Reason | undefined, { withLog }: { withLog: boolean }): Record<string, unknown> {
  const message = reason ? `Spawn failed: ${reason.message}` : 'Spawn failed'
  return {
    progress: 100,
    failed: true,
    message,
    ...(reason && { reason: { ...reasonModel(reason), log_tail: (withLog && reason.logTail) || null } }),
  }
}
