import { type MouseEvent, useMemo, useSyncExternalStore } from 'react'
import { page } from '../lib/page.ts'
import { type Address, formatAddress, parseAddress, withQuery } from './address.ts'

const CHANGED = 'orrery:address'

/** Where the page is; drawn anew whenever that changes, by a link or by the browser's back button. */
export function useAddress(): Address {
  const href = useSyncExternalStore(subscribe, () => location.pathname + location.search)
  return useMemo(() => {
    const { pathname, search } = new URL(href, location.origin)
    return parseAddress(pathname, search, page.hubUrl)
  }, [href])
}

/** `replace`: no step of its own for the back button; for what is typed letter by letter. */
export function go(address: Address, options: { replace?: boolean } = {}): void {
  const href = formatAddress(address, page.hubUrl)
  if (href === location.pathname + location.search) return
  if (options.replace) history.replaceState(null, '', href)
  else history.pushState(null, '', href)
  dispatchEvent(new Event(CHANGED))
}

/**
 * Changes fields of the query as it is now, whatever was drawn last; undefined takes a field away. What closes replaces
 * the step that opened it.
 */
export function change(
  fields: Readonly<Record<string, string | undefined>>,
  options: { replace?: boolean } = {},
): void {
  go(withQuery(parseAddress(location.pathname, location.search, page.hubUrl), fields), options)
}

export const closeDialog = () => change({ dialog: undefined, on: undefined }, { replace: true })

/** What a link within the page needs: a real address, followed without loading anew. */
export function linkTo(address: Address) {
  return {
    href: formatAddress(address, page.hubUrl),
    onClick(event: MouseEvent) {
      if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
      event.preventDefault()
      go(address)
    },
  }
}

function subscribe(listener: () => void): () => void {
  addEventListener('popstate', listener)
  addEventListener(CHANGED, listener)
  return () => {
    removeEventListener('popstate', listener)
    removeEventListener(CHANGED, listener)
  }
}
