/** Names as people paste them: by lines, commas or white space, some of them twice. */
export function parseNames(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(name => name !== ''))]
}
