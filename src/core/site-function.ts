import { HubError } from './errors.ts'

/** A function of the config gave what cannot be used; `option` is its path, `expected` what it must give. */
export function wrongAnswer(option: string, expected: string): HubError {
  return new HubError('config_function_failed', {
    status: 500,
    message: `${option} did not give ${expected}.`,
    nextStep: `Tell your administrator: the function in the config must give ${expected}.`,
  })
}

/** What the function of a limit gave. Throws HubError `config_function_failed`: no number is no limit that anybody chose. */
export function limitFrom(option: string, answer: unknown): number {
  if (typeof answer === 'number' && !Number.isNaN(answer)) return answer
  throw wrongAnswer(option, 'a number')
}
