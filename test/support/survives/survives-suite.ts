import { describe } from 'node:test'
import { goesOn } from './goes-on.ts'
import { isPutInOrder } from './is-put-in-order.ts'
import type { WayToRun } from './way-to-run.ts'

/**
 * What every way to run servers has to stand: docs/explanation/what-survives-what.md. Hub, proxy, launcher and all of them
 * are killed and stopped while somebody works in a notebook; servers end, starts are half-way and ports pass to others
 * while no hub is there. `open` is called once for each half.
 */
export function survivesSuite(
  name: string,
  open: () => Promise<WayToRun>,
  { skip = false as string | false } = {},
): void {
  describe(`servers run by ${name}`, { skip, timeout: 600_000 }, () => {
    goesOn(open)
    isPutInOrder(open)
  })
}
