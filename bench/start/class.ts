/** A class: many servers of a trivial program and some of JupyterLab, all started at once, and all stopped. */
import { isRunning, newPerson, type Person, startAll, stopServer } from './person.ts'
import { LIGHT, type Program, startHub } from './started-hub.ts'

export interface ClassCounts {
  readonly light: number
  readonly real: number
}

/** Seconds until all answer, and until all are stopped. Throws when one does not come to answer, or has gone since. */
export async function startAndStopClass(
  program: Program,
  { light, real }: ClassCounts,
  bin: string,
): Promise<{ starts: number; stops: number }> {
  const hub = await startHub(program, bin, 'class')
  try {
    const people: Person[] = []
    for (let n = 0; n < light + real; n++) people.push(await newPerson(hub, `${n < light ? LIGHT : 'lab'}${n}`))
    const starts = await startAll(people, ({ name }) => ({ profile: name.startsWith(LIGHT) ? LIGHT : 'lab' }))
    const gone = (await Promise.all(people.map(isRunning))).filter(running => !running).length
    if (gone > 0) throw new Error(`${program}: ${gone} servers have gone`)
    const began = performance.now()
    await Promise.all(people.map(stopServer))
    return { starts, stops: (performance.now() - began) / 1000 }
  } finally {
    await hub.stop()
  }
}
