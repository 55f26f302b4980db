/**
 * Programs that look after a server without being its user say so: jupyter-server takes `no_track_activity` in the query
 * for "this request is nobody's work" (its handlers' `update_api_activity`), and so does this proxy.
 */
export function asksNotToCount(url: string): boolean {
  if (!url.includes('no_track_activity')) return false // the usual case costs one search
  return /[?&]no_track_activity(?:[=&]|$)/.test(url)
}
