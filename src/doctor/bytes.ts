const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** `3.4 GiB` */
export function inWords(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)))
  const number = bytes / 1024 ** power
  return `${number < 10 && power > 0 ? number.toFixed(1) : Math.floor(number)} ${UNITS[power]}`
}
