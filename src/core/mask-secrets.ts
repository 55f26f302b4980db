/** Hides what people must not see, or hand on when they show somebody a log: tokens, cookies, passwords, keys. */

const HIDDEN = '[hidden]'
const QUOTE = String.raw`\\*["']`
/** To the closing quote, or, without quotes, to what ends a word in an address, a list or a dictionary. */
const VALUE = String.raw`(?:\[hidden\]|\\*"(?:[^"\\\r\n]|\\.)*"?|\\*'(?:[^'\\\r\n]|\\.)*'?|[^\s&"'<>,;)}]+)`
const NAMES = 'token|secret|passwd|password|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|credential|xsrf'

/** Each replaces the first group and what follows it by the group and a mark. No part can match in many ways. */
const PATTERNS: readonly RegExp[] = [
  // Headers, also as the keys of a dictionary: all that follows on the line belongs to them.
  new RegExp(String.raw`(\b(?:proxy-)?authorization(?:${QUOTE})?[ \t]*[:=][ \t]*)(?=\S)[^\r\n]+`, 'gi'),
  new RegExp(String.raw`(\b(?:set-)?cookie(?:${QUOTE})?[ \t]*[:=][ \t]*)(?=\S)[^\r\n]+`, 'gi'),
  // `JUPYTERHUB_API_TOKEN=...`, `'token': '...'`, `"api_key" => "..."`, `--password ...`, `?token=...`.
  new RegExp(String.raw`((?:${NAMES})[\w.-]{0,40}(?:${QUOTE})?\s{0,8}(?::=|=>|[:=])\s{0,8})${VALUE}`, 'gi'),
  new RegExp(String.raw`((?<![\w-])--?[\w-]{0,40}(?:${NAMES})[\w-]{0,40} +)${VALUE}`, 'gi'),
  /([?&](?:code|state|sig|signature|key|auth|jwt)=)[^\s&"'<>#]+/gi,
  /(\b(?:bearer|basic|token) +)[A-Za-z0-9._~+/=-]{16,}/gi,
  // `https://name:password@host`
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,200}:)[^\s/@]+(?=@)/gi,
  // What tornado signs into cookies.
  /()\b2\|1:0\|\d+:[^\s"',;]+/g,
  // Tokens of a hub: 32 hexadecimal digits that stand alone.
  /()(?<![\w-])[0-9a-f]{32}(?![\w-])/gi,
  /(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]+(?:-----END|$)/g,
]

/**
 * The text with secrets replaced by `[hidden]`. It goes by names, forms and the look of a hub's tokens, so it hides
 * rather too much than too little; lines have to be whole. Doing it twice changes nothing.
 */
export function maskSecrets(text: string): string {
  return PATTERNS.reduce((masked, pattern) => masked.replace(pattern, `$1${HIDDEN}`), text)
}

/** Colours and movements of a terminal, and signs that nobody can see; line ends and tabs stay. */
export function withoutTerminalCodes(text: string): string {
  return text.replace(CODES, '').replace(/\r\n?/g, '\n').replace(UNSEEN, '')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CODES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** A server's own words as people may see them. */
export function readableLog(text: string): string {
  return maskSecrets(withoutTerminalCodes(text))
}
