/** Finds every stable code in the sources, with the words it comes with: what docs/reference/errors.md is made of. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'vite'

/** One place that gives a code to somebody. Words are undefined where they are put together elsewhere. */
export interface CodeUse {
  readonly code: string
  /** Path below src/. */
  readonly file: string
  readonly status: number | undefined
  /** What stands for a value is in capitals: `Port PORT is taken.` */
  readonly message: string | undefined
  readonly nextStep: string | undefined
}

/** `root`: the folder src/. Tests and what only they use are left out. */
export function codesInSources(root: string): CodeUse[] {
  const files = globSync('**/*.ts', { cwd: root }).filter(
    file => !/\.test\.ts$|contract\.ts$|testing|fake-|cli\/(error-advice|source-codes|errors-page)\.ts$/.test(file),
  )
  return files.sort().flatMap(file => codesIn(readFileSync(join(root, file), 'utf8'), file))
}

export function codesIn(text: string, file: string): CodeUse[] {
  const program = parseAst(text, { lang: 'ts' }) as unknown as Node // ESTree with types of TypeScript in between
  const nodes = [...walk(program)]
  const values = new Values(nodes)
  return nodes
    .flatMap(node => candidatesAt(node).flatMap(found => usesOf(found, values)))
    .map(use => ({ ...use, file }))
}

type Use = Omit<CodeUse, 'file'>
type Node = { readonly type: string; readonly start: number; readonly end: number } & Readonly<Record<string, unknown>>

/** Expressions that make a code and its words. */
interface Candidate {
  readonly at: Node
  readonly code: Node
  readonly message: Node | undefined
  readonly nextStep: Node | undefined
  readonly status: Node | number | undefined
}

function candidatesAt(node: Node): Candidate[] {
  if (node.type === 'NewExpression') return errorsAt(node)
  if (node.type === 'CallExpression') return serverReasonsAt(node)
  if (node.type === 'ObjectExpression') return reasonsAt(node)
  if (node.type === 'Property') return tableEntriesAt(node)
  return []
}

/** `serverReason(code, message)`; what to do stands in the table of core/server-reasons.ts. */
function serverReasonsAt(node: Node): Candidate[] {
  const [code, message] = node.arguments as Node[]
  if ((node.callee as Node).name !== 'serverReason' || !code) return []
  return [{ at: node, code, message, nextStep: undefined, status: undefined }]
}

/** `new HubError(code, { status, message, nextStep })`, `new Refusal(code, message, nextStep)`. */
function errorsAt(node: Node): Candidate[] {
  const name = (node.callee as Node).name
  const [code, second, nextStep] = node.arguments as Node[]
  if (!code) return []
  if (name === 'HubError' && second?.type === 'ObjectExpression') return [candidate(node, code, second)]
  // What the launcher refuses reaches the hub with status 500 (launcher/client.ts).
  if (name === 'Refusal') return [{ at: node, code, message: second, nextStep, status: 500 }]
  return []
}

/** `{ code, message, nextStep }` of reasons and faults, `{ refused, message, status }` of sign-ins. */
function reasonsAt(node: Node): Candidate[] {
  const code = property(node, 'code') ?? property(node, 'refused')
  // A fault of the configuration has a code of zod's and the input.
  if (!code || !property(node, 'message') || property(node, 'input')) return []
  return [candidate(node, code, node)]
}

/** `account_locked: { message, status }`. */
function tableEntriesAt(node: Node): Candidate[] {
  const key = node.key as Node
  const value = node.value as Node
  const isEntry = key.type === 'Identifier' && String(key.name).includes('_') && value.type === 'ObjectExpression'
  if (!isEntry || property(value, 'code') || !property(value, 'message')) return []
  return [candidate(node, { ...key, type: 'Literal', value: key.name }, value)]
}

function candidate(at: Node, code: Node, facts: Node): Candidate {
  const status = property(facts, 'status')
  return { at, code, message: property(facts, 'message'), nextStep: property(facts, 'nextStep'), status }
}

/** Once as it stands, or once for each call of the function that it stands in, when words come from its parameters. */
function usesOf(found: Candidate, values: Values): Use[] {
  const calls = values.callsAround(found.at, [found.code, found.message, found.nextStep])
  return calls.flatMap(given => {
    const codes = values.textsOf(found.code, given).filter(text => /^[a-z][a-z0-9_]*$/.test(text))
    const messages = values.textsOf(found.message, given)
    const [nextStep] = values.textsOf(found.nextStep, given)
    const status = typeof found.status === 'number' ? found.status : values.numberOf(found.status)
    // A code and a message that hang on the same condition stand in the same order.
    if (codes.length > 1 && codes.length === messages.length) {
      return codes.map((code, at) => ({ code, status, message: messages[at], nextStep }))
    }
    const all = messages.length > 0 ? messages : [undefined]
    return codes.flatMap(code => all.map(message => ({ code, status, message, nextStep })))
  })
}

type Given = ReadonlyMap<string, Node | undefined>
const NOTHING_GIVEN: Given = new Map()

/** What can be known of values without running the program. */
class Values {
  readonly #constants = new Map<string, Node[]>()
  readonly #functions: { name: string; params: string[]; body: Node }[] = []
  readonly #calls: Node[]

  constructor(nodes: readonly Node[]) {
    this.#calls = nodes.filter(node => node.type === 'CallExpression')
    for (const node of nodes) {
      if (node.type === 'FunctionDeclaration') this.#addFunction(node.id as Node, node)
      const name = node.type === 'VariableDeclarator' ? (node.id as Node).name : undefined
      if (typeof name !== 'string' || !node.init) continue
      const value = node.init as Node
      if (value.type === 'ArrowFunctionExpression') this.#addFunction(node.id as Node, value)
      this.#constants.set(name, [...(this.#constants.get(name) ?? []), value])
    }
  }

  #addFunction(id: Node, body: Node): void {
    const params = (body.params as Node[]).map(param => String(param.name ?? ''))
    this.#functions.push({ name: String(id.name), params, body })
  }

  /** Arguments for the parameters that the expressions use, of each call in this file. */
  callsAround(at: Node, expressions: readonly (Node | undefined)[]): Given[] {
    const around = this.#functions.findLast(({ body }) => body.start <= at.start && at.end <= body.end)
    const used = around?.params.filter(param =>
      expressions.some(node => node?.type === 'Identifier' && node.name === param),
    )
    if (!around || !used || used.length === 0) return [NOTHING_GIVEN]
    const calls = this.#calls.filter(call => (call.callee as Node).name === around.name)
    return calls.map(call => new Map(used.map(name => [name, (call.arguments as Node[])[around.params.indexOf(name)]])))
  }

  numberOf(node: Node | undefined): number | undefined {
    if (node?.type === 'Literal') return typeof node.value === 'number' ? node.value : undefined
    if (node?.type === 'Identifier') return this.numberOf(this.#nearest(node))
    const [left, right] =
      node?.type === 'BinaryExpression' ? [this.numberOf(node.left as Node), this.numberOf(node.right as Node)] : []
    if (left === undefined || right === undefined) return undefined
    return node?.operator === '*' ? left * right : node?.operator === '/' ? left / right : undefined
  }

  /** All texts that it can be; none when it is made elsewhere. */
  textsOf(node: Node | undefined, given: Given = NOTHING_GIVEN, depth = 0): string[] {
    if (!node || depth > 4) return []
    const of = (inner: unknown) => this.textsOf(inner as Node, given, depth + 1)
    switch (node.type) {
      case 'Literal':
        return typeof node.value === 'string' ? [node.value] : []
      case 'TemplateLiteral':
        return [this.#template(node)]
      case 'ConditionalExpression':
        return [...of(node.consequent), ...of(node.alternate)]
      case 'LogicalExpression':
        return [...of(node.left), ...of(node.right)]
      case 'ArrowFunctionExpression':
        return of(node.body)
      case 'Identifier':
        return given.has(String(node.name)) ? of(given.get(String(node.name))) : of(this.#nearest(node))
      default:
        return []
    }
  }

  /** The declaration that comes last before the use: functions in a file use the same names for their own. */
  #nearest(use: Node): Node | undefined {
    const all = this.#constants.get(String(use.name)) ?? []
    return all.findLast(node => node.start < use.start) ?? all[0]
  }

  #template(node: Node): string {
    const expressions = node.expressions as Node[]
    return (node.quasis as Node[])
      .map(
        (quasi, at) =>
          (quasi.value as { cooked: string }).cooked + (expressions[at] ? this.#placeholder(expressions[at]) : ''),
      )
      .join('')
      .replace(/\s+/g, ' ')
  }

  /** `listen.port` -> PORT, `seconds(timeoutMs)` -> TIMEOUT. What only adds to the sentence is left out. */
  #placeholder(node: Node): string {
    const number = this.numberOf(node)
    if (number !== undefined) return String(number)
    switch (node.type) {
      case 'Identifier':
        return capitals(node.name)
      case 'MemberExpression':
        return this.#placeholder((node.computed ? node.object : node.property) as Node)
      case 'CallExpression': {
        const [first] = node.arguments as Node[]
        const named = first && ['Identifier', 'MemberExpression'].includes(first.type)
        return named ? this.#placeholder(first) : '...'
      }
      case 'BinaryExpression':
      case 'LogicalExpression':
        return this.#placeholder(node.left as Node)
      case 'ConditionalExpression':
        return this.textsOf(node).includes('') ? '' : (this.textsOf(node).at(-1) ?? '...')
      default:
        return '...'
    }
  }
}

function capitals(name: unknown): string {
  const text = String(name).replace(/(Ms|Seconds)$/, '')
  return /[a-z]/.test(text) ? text.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase() : text
}

function property(node: Node, name: string): Node | undefined {
  const found = (node.properties as Node[]).find(
    one => one.type === 'Property' && ((one.key as Node).name === name || (one.key as Node).value === name),
  )
  return found?.value as Node | undefined
}

function* walk(node: Node): Generator<Node> {
  yield node
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === 'object' && child !== null && typeof child.type === 'string') yield* walk(child)
    }
  }
}
