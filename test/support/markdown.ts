/** As much of Markdown as the tests of the documentation look at. */

export interface CodeBlock {
  readonly language: string
  /** Without the indentation of its fence. */
  readonly code: string
  /** Of its fence, from 1. */
  readonly line: number
}

const FENCE = /^( *)(```+)(\w*)\n([\s\S]*?)^\1\2 *$/gm

export function codeBlocks(text: string): CodeBlock[] {
  return [...text.matchAll(FENCE)].map(({ 1: indent = '', 3: language = '', 4: code = '', index }) => ({
    language,
    code: code.replace(new RegExp(`^${indent}`, 'gm'), ''),
    line: text.slice(0, index).split('\n').length,
  }))
}

/** The text of code spans. */
export function inlineCode(text: string): string[] {
  return [...withoutBlocks(text).matchAll(/`([^`]+)`/g)].map(match => match[1]!.replace(/\s+/g, ' '))
}

/** Where links and pictures lead. */
export function linkTargets(text: string): string[] {
  const prose = withoutBlocks(text).replace(/`[^`]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(match => match[1]!)
}

/** The anchors that GitHub and others make of headings. */
export function headingAnchors(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutBlocks(text).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
    let unique = anchor
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`
    anchors.add(unique)
  }
  return anchors
}

function withoutBlocks(text: string): string {
  return text.replace(FENCE, '')
}
