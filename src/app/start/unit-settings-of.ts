import type { Config } from '../../config/schema.ts'
import type { UnitSettings } from '../../launcher/units/unit-settings.ts'

type Property = UnitSettings['properties'][number]

/** What the launcher is told of units; undefined where servers are none. The site's own properties come last, and so win. */
export function unitSettingsOf(spawner: Config['spawner']): UnitSettings | undefined {
  if (!('kind' in spawner) || spawner.kind !== 'systemd') return undefined
  const { slice, unitName, privateTmp, privateDevices, noNewPrivileges, readonlyPaths, readwritePaths } = spawner
  const own: (Property | false)[] = [
    privateTmp && ['PrivateTmp', 'yes'],
    privateDevices && ['PrivateDevices', 'yes'],
    noNewPrivileges && ['NoNewPrivileges', 'yes'],
    ...readonlyPaths.map((path): Property => ['ReadOnlyPaths', path]),
    ...readwritePaths.map((path): Property => ['ReadWritePaths', path]),
  ]
  const site = Object.entries(spawner.properties).flatMap(([name, value]) =>
    [value].flat().map((one): Property => [name, typeof one === 'boolean' ? (one ? 'yes' : 'no') : String(one)]),
  )
  return { name: unitName, slice, properties: [...own.filter(property => property !== false), ...site] }
}
