/** Path of a module of this folder that is run as a process of its own: `.ts` in the sources, `.js` when built. */
export function entryFile(name: 'pam-child'): string {
  const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js'
  return `${import.meta.dirname}/${name}.${extension}`
}
