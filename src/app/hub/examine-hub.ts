import type { Config } from '../../config/schema.ts'
import { type Report, reportOf } from '../../features/doctor/report.ts'
import { packageVersion } from '../package-root.ts'

/** The checks of `orrery doctor`, loaded when somebody asks for them. */
export async function examineHub(config: Config): Promise<Report> {
  const { examineFromHub } = await import('../../doctor/examine-from-hub.ts')
  const findings = await examineFromHub(config, process.env)
  return reportOf(findings, { version: packageVersion, at: new Date() })
}
