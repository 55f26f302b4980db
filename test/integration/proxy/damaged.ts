import fc from 'fast-check'

/** Bytes that parsers have been known to quarrel about. */
const odd = fc.constantFrom(
  ...['\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', ',', '0', '1'],
  ...['\x0b', '\x7f', '\xff', '\n\r\n', ' chunked', '\r\n\r\n'],
)
const damage = fc.record({ at: fc.nat(10_000), drop: fc.nat(2), insert: odd })

/** A message with up to two places where bytes are missing, or odd ones stand that do not belong there. */
export function damaged(message: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(message, fc.array(damage, { maxLength: 2 })).map(([whole, damages]) => {
    let bytes = whole
    for (const { at, drop, insert } of damages) {
      const i = at % bytes.length
      bytes = bytes.slice(0, i) + insert + bytes.slice(i + drop)
    }
    return bytes
  })
}
