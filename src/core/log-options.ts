/**
 * pino's options of each part: JSON, a record a line. Neither pid nor host of the part are in each of them:
 * `pid` is that of the process which a record is about.
 */
export function logOptions(name: 'hub' | 'proxy' | 'launcher', level: string) {
  return { base: {}, name, level }
}
