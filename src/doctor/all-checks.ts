import type { Check } from './check.ts'
import { certificatesCheck } from './checks/certificates.ts'
import { cgroupsCheck } from './checks/cgroups.ts'
import { clockCheck } from './checks/clock.ts'
import { configCheck } from './checks/config.ts'
import { dataFolderCheck } from './checks/data-folder.ts'
import { databaseCheck } from './checks/database.ts'
import { diskCheck } from './checks/disk.ts'
import { environmentCheck } from './checks/environment.ts'
import { frontCheck } from './checks/front.ts'
import { hubFromServersCheck } from './checks/hub-from-servers.ts'
import { launcherCheck } from './checks/launcher.ts'
import { limitsCheck } from './checks/limits.ts'
import { pamCheck } from './checks/pam.ts'
import { partsCheck } from './checks/parts.ts'
import { sudoCheck } from './checks/sudo.ts'

/** In the order in which they are shown. */
export const ALL_CHECKS: readonly Check[] = [
  configCheck,
  dataFolderCheck,
  diskCheck,
  databaseCheck,
  partsCheck,
  frontCheck,
  launcherCheck,
  sudoCheck,
  environmentCheck,
  hubFromServersCheck,
  pamCheck,
  certificatesCheck,
  cgroupsCheck,
  limitsCheck,
  clockCheck,
]
