/** Amounts of memory and processors (`cores`) as people say them; on pages of the server and in the browser alike. */

/** From here on the next step is told before the limit is met. */
const NEAR = 0.9
const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB']

/** `412 MB`, `1.5 GB`: of 1024, as limits are given (`1G`), with two digits at least where there is a fraction. */
export function bytesWords(bytes: number): string {
  let size = bytes
  let unit = 0
  while (Math.round(size) >= 1024 && unit < UNITS.length - 1) {
    size /= 1024
    unit += 1
  }
  const digits = unit >= 3 && size < 9.95 ? 1 : 0
  return `${Number(size.toFixed(digits))} ${UNITS[unit]}`
}

/** `412 MB of 1 GB`; without a limit the first part. */
export function memoryWords({ memoryBytes, memoryLimitBytes }: MemoryUse): string {
  const used = bytesWords(memoryBytes)
  return memoryLimitBytes === undefined ? used : `${used} of ${bytesWords(memoryLimitBytes)}`
}

/** `12 % of 2 cores`; without a limit `12 % of a core`, which may be more than 100. */
export function coreWords(cpu: number, cpuLimit: number | undefined): string {
  if (cpuLimit === undefined) return `${Math.round(cpu * 100)} % of a core`
  const share = `${Math.round((cpu / cpuLimit) * 100)} % of`
  return cpuLimit === 1 ? `${share} a core` : `${share} ${Number(cpuLimit.toFixed(2))} cores`
}

export function isNearMemoryLimit({ memoryBytes, memoryLimitBytes }: MemoryUse): boolean {
  return memoryLimitBytes !== undefined && memoryBytes > memoryLimitBytes * NEAR
}

interface MemoryUse {
  readonly memoryBytes: number
  readonly memoryLimitBytes?: number | undefined
}
