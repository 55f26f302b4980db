import { answerChecker } from '../../src/http/openapi-testing.ts'
import type { OpenApiDocument } from '../../src/http/openapi-types.ts'
import type { Answer } from './answers.ts'

/** Holds answers of a running hub against the OpenAPI document that it gives out; returns faults in words. */
export async function documentChecker(hubUrl: string): Promise<(answer: Answer) => string[]> {
  const answer = await fetch(`${hubUrl}/hub/api/openapi.json`)
  const check = answerChecker((await answer.json()) as OpenApiDocument) // as the test of the document proves
  return ({ seen }) => check(seen)
}
