/** Lets the spawner do beforehand what it can for somebody who looks at a page from which servers are started. */
import type { SpawningContext } from './context.ts'
import { activeServersOf, userRecord } from './server-row.ts'

type Context = Pick<SpawningContext, 'database' | 'spawner' | 'settings' | 'closing' | 'goOn' | 'log'>

/** Called as often as they look; nobody waits for it, and nobody is told when it fails. */
export function startExpectation(context: Context): (user: string) => void {
  const { database, spawner, settings, closing, log } = context
  const underWay = new Set<string>()

  async function prepare(name: string): Promise<void> {
    const user = await userRecord(database, name)
    if (!user || (await activeServersOf(database, name)) > 0) return
    await spawner.prepare?.(user, { command: settings.command }, closing)
  }

  return name => {
    if (!spawner.prepare || underWay.has(name) || closing.aborted) return
    underWay.add(name)
    const task = prepare(name)
      .catch(error => log.debug({ err: error, user: name }, 'the start is not prepared'))
      .finally(() => underWay.delete(name))
    context.goOn(task)
  }
}
