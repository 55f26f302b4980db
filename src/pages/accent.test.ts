import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accentCss, contrast } from './accent.ts'

const colours = (css: string) => /light-dark\((#\w+),\s*(#\w+)\)/.exec(css)!.slice(1) as [string, string]

describe('accent colour', () => {
  it('can be read on both grounds whatever the site chose', () => {
    for (const chosen of ['#4f46e5', '#ffff00', '#000000', '#ffffff', '#00695c', '#ff0000', '#7f7f7f']) {
      const [light, dark] = colours(accentCss(chosen))

      assert.ok(contrast(light, '#ffffff') >= 4.5, `${chosen}: ${light} on white`)
      assert.ok(contrast(dark, '#1b1d23') >= 4.5, `${chosen}: ${dark} on dark`)
    }
  })

  it('leaves a colour alone that can be read already', () => {
    assert.equal(colours(accentCss('#4f46e5'))[0], '#4f46e5')
  })
})
