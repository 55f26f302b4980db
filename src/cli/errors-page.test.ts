import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { packageRoot } from '../app/package-root.ts'
import { adviceFor, SERVER_REASONS } from '../core/server-reasons.ts'
import { errorAdvice } from './error-advice.ts'
import { errorsPage } from './errors-page.ts'
import { codesIn, codesInSources } from './source-codes.ts'

const src = join(packageRoot, 'src')
const uses = codesInSources(src)
const page = errorsPage(uses)
const codes = new Set(uses.map(use => use.code))

describe('page of errors', () => {
  it('has every code that a simple search finds in the sources', () => {
    const files = globSync('**/*.ts', { cwd: src }).filter(
      file => !/\.test\.ts$|contract\.ts$|testing|fake-/.test(file),
    )
    const written = files.flatMap(file => {
      const text = readFileSync(join(src, file), 'utf8')
      const found = text.matchAll(
        /(?:HubError\(\s*|Refusal\(\s*|\brefused: |\bcode: )'([a-z0-9]+(?:_[a-z0-9]+)+)'(?! \|)/g,
      )
      return [...found].map(match => match[1]!).filter(code => code !== 'invalid_union')
    })
    assert.ok(written.length > 150)
    assert.deepEqual(
      [...new Set(written)].filter(code => !page.includes(`### ${code}\n`)),
      [],
    )
  })

  it('says what each code means and what to do', () => {
    const silent = [...codes].filter(code => {
      const all = uses.filter(use => use.code === code)
      const meaning = all.some(use => use.message) || errorAdvice[code]?.meaning
      const todo = adviceFor(code) || all.some(use => use.nextStep) || errorAdvice[code]?.todo
      return !meaning || !todo
    })
    assert.deepEqual(silent, [], 'src/cli/error-advice.ts is where sentences are added')
  })

  it('has each reason of the table of servers, and no advice for it in another place', () => {
    assert.deepEqual(
      Object.keys(SERVER_REASONS).filter(code => !codes.has(code) || errorAdvice[code]),
      [],
    )
  })

  it('has no advice for codes that are gone', () => {
    assert.deepEqual(
      Object.keys(errorAdvice).filter(code => !codes.has(code)),
      [],
    )
  })
})

describe('search for codes', () => {
  const facts = (text: string) =>
    codesIn(text, 'a.ts').map(({ code, status, message, nextStep }) => [code, status, message, nextStep])

  it('follows words through the parameters of a function', () => {
    const text = `
      f('no_house', \`There is no house \${house.name}.\`)
      f('no_door', 'There is no door.')
      function f(code: string, message: string) { return new HubError(code, { status: 404, message, nextStep: NEXT }) }
      const NEXT = 'Build one.'`

    assert.deepEqual(facts(text), [
      ['no_house', 404, 'There is no house NAME.', 'Build one.'],
      ['no_door', 404, 'There is no door.', 'Build one.'],
    ])
  })

  it('pairs a code with the message of the same condition', () => {
    const text = "new HubError(old ? 'too_old' : 'too_new', { status: 500, message: old ? 'Old.' : 'New.' })"

    assert.deepEqual(facts(text), [
      ['too_old', 500, 'Old.', undefined],
      ['too_new', 500, 'New.', undefined],
    ])
  })

  it('reads tables whose keys are codes', () => {
    const text = "const SENTENCES = { account_expired: { message: 'Expired.', status: 403 } }"

    assert.deepEqual(facts(text), [['account_expired', 403, 'Expired.', undefined]])
  })
})
