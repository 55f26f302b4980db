/** `1 server`, `3,412 users`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

/** `a`, `a and b`, `a, b and 3 more`. */
export function listed(words: readonly string[], most = 3): string {
  const shown = words.length <= most ? words : words.slice(0, most - 1)
  const rest = words.length - shown.length
  const all = rest > 0 ? [...shown, `${rest.toLocaleString('en')} more`] : shown
  if (all.length < 2) return all.join('')
  return `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`
}
