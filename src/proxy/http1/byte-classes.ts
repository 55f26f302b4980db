/** Which bytes may stand where in a message of HTTP/1.1 (RFC 9110 5.5 and 5.6.2, RFC 9112 3 and 7.1). 1 is yes. */

export const CR = 13
export const LF = 10
export const TAB = 9
export const SPACE = 32
export const SLASH = 47
export const COLON = 58
export const OPENING_BRACKET = 91
export const CLOSING_BRACKET = 93

/** `tchar`: field names and methods. */
export const TOKEN = classOf(byte => /[\w!#$%&'*+.^`|~-]/.test(String.fromCharCode(byte)))

/** Field values: visible characters, blanks, and bytes above ASCII. No other control characters, no DEL. */
export const FIELD_VALUE = classOf(byte => byte === TAB || (byte >= SPACE && byte !== 127))

/** Request targets: what is visible in ASCII. */
export const TARGET = classOf(byte => byte > SPACE && byte < 127)

/** Host and port, nothing that could end them (`/`, `@`, blanks). */
export const HOST = classOf(byte => /[\w.:[\]~!$&'()*+,;=%-]/.test(String.fromCharCode(byte)))

/** Value of a hexadecimal digit, 255 for anything else. */
export const HEX = Uint8Array.from({ length: 256 }, (_, byte) => {
  const text = String.fromCharCode(byte)
  return /[\da-f]/i.test(text) ? Number.parseInt(text, 16) : 255
})

function classOf(belongs: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (belongs(byte) ? 1 : 0))
}
