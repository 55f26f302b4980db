import type { Finding } from './trait-rule.ts'

/** `jupyterhub_config.py, line 40: Spawner.pre_spawn_hook is a function, which Orrery does not run. Write it in ...` */
export function findingText({ setting, places, message, suggestion }: Finding): string {
  const place = places.at(-1)
  const lines = places.filter(one => one.file === place?.file).map(one => one.line)
  const where = place ? `${place.file}, line ${lines.join(', ')}: ` : ''
  return `${where}${setting} ${message}. ${suggestion}`
}
