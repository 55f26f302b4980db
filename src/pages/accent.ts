/**
 * The site's accent colour as two CSS values, for light and dark. WCAG 2.2 AA asks 4.5:1 of text: against white in the
 * light scheme (white text on buttons, links on white), against the dark ground in the dark one. A colour that misses
 * it is moved towards black or white until it passes.
 */
const INDIGO = '#4f46e5'
const LIGHT_GROUND = '#f7f7f9'
const DARK_GROUND = '#1b1d23'
const ENOUGH = 4.5

type Rgb = readonly [number, number, number]

export function accentCss(color: string = INDIGO): string {
  const base = parseHex(color) ?? parseHex(INDIGO)!
  const light = shiftUntilReadable(base, [0, 0, 0], parseHex(LIGHT_GROUND)!)
  const dark = shiftUntilReadable(base, [255, 255, 255], parseHex(DARK_GROUND)!)
  return `:root{--accent:light-dark(${toHex(light)},${toHex(dark)})}\n`
}

/** WCAG 2.2 contrast ratio of two `#rrggbb` colours, 1 to 21. */
export function contrast(a: string, b: string): number {
  return contrastOf(parseHex(a)!, parseHex(b)!)
}

function shiftUntilReadable(color: Rgb, towards: Rgb, ground: Rgb): Rgb {
  for (let step = 0; step <= 20; step++) {
    const shifted = mix(color, towards, step / 20)
    if (contrastOf(shifted, ground) >= ENOUGH) return shifted
  }
  return towards
}

function contrastOf(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function luminance([red, green, blue]: Rgb): number {
  const linear = (channel: number) => {
    const part = channel / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

function mix(from: Rgb, to: Rgb, part: number): Rgb {
  return [0, 1, 2].map(index => Math.round(from[index]! + (to[index]! - from[index]!) * part)) as unknown as Rgb // three in, three out
}

function parseHex(text: string): Rgb | undefined {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text)
  return match === null ? undefined : [parseInt(match[1]!, 16), parseInt(match[2]!, 16), parseInt(match[3]!, 16)]
}

function toHex(color: Rgb): string {
  return `#${color.map(channel => channel.toString(16).padStart(2, '0')).join('')}`
}
