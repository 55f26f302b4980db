import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ConfigTree, isTree, pathsIn, setAt, valueAt } from './config-tree.ts'
import { secretPaths } from './option-names.ts'

export interface SecretFault {
  readonly path: readonly string[]
  readonly message: string
}

/** Puts the content in the place of each `{ file }` and `{ env }` of an option that is secret. Changes the tree. */
export function readSecrets(tree: ConfigTree, folder: string, env: NodeJS.ProcessEnv): SecretFault[] {
  const faults: SecretFault[] = []
  for (const path of secretPaths().flatMap(text => pathsIn(tree, text.split('.')))) {
    const value = valueAt(tree, path)
    if (!isTree(value)) continue
    const text =
      typeof value.file === 'string' ? readSecretFile(resolve(folder, value.file)) : fromVariable(value.env, env)
    if (text instanceof Error) faults.push({ path, message: text.message })
    else if (text !== undefined) setAt(tree, path, text)
  }
  return faults
}

function fromVariable(name: unknown, env: NodeJS.ProcessEnv): string | Error | undefined {
  if (typeof name !== 'string') return undefined
  return env[name] ?? new Error(`the variable ${name} is not set`)
}

/** The content without the line end that editors add, or what is wrong with the file. */
function readSecretFile(file: string): string | Error {
  try {
    const { mode } = statSync(file)
    // Docker and Kubernetes mount secrets readable for everybody in the container, and below /run alone.
    if ((mode & 0o007) !== 0 && !/^(\/var)?\/run\//.test(file)) {
      return new Error(`${file} can be read by everybody; chmod o-rwx ${file}`)
    }
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    return text === '' ? new Error(`${file} is empty`) : text
  } catch (error) {
    return new Error(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`) // fs throws system errors
  }
}
