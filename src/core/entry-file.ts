/**
 * Path of a module that is run as a process of its own, beside the module that starts it: `.ts` in the sources, `.js`
 * when built. It must be among the entries of `bin/bundle.mjs`.
 * @param starter its `import.meta.filename`
 * @param name without extension: `pam-child`
 */
export function entryFile(starter: string, name: string): string {
  const extension = starter.endsWith('.ts') ? 'ts' : 'js'
  return `${starter.slice(0, starter.lastIndexOf('/'))}/${name}.${extension}`
}
