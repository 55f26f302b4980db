import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { HubError } from '../core/errors.ts'
import { createRenderer, type RendererOptions } from './render.ts'
import { templateTime } from './template-time.ts'

const login = { authenticator: {}, authenticator_login_url: '/hub/login', xsrf: 'token' }

describe('templates', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-templates-'))
  })
  after(() => rm(folder, { recursive: true }))

  const withOverride = async (name: string, source: string, options: Partial<RendererOptions> = {}) => {
    await writeFile(join(folder, name), source)
    const renderer = createRenderer({ baseUrl: '/', templatePaths: [folder], ...options })
    await rm(join(folder, name))
    return {
      render: async (page: string, vars: Record<string, unknown>) => {
        await writeFile(join(folder, name), source)
        try {
          return renderer.render(page, vars)
        } finally {
          await rm(join(folder, name))
        }
      },
    }
  }

  it("lets a site's page.html extend the hub's own and replace its announcement on every page", async () => {
    const source =
      '{% extends "templates/page.html" %}{% block announcement %}<p id="mine">Lab closed</p>{% endblock %}'
    const site = await withOverride('page.html', source)

    const html = await site.render('login.html', login)

    assert.match(html, /<p id="mine">Lab closed<\/p>/)
    assert.match(html, /id="username_input"/)
  })

  it("lets a site's login.html add to the login block", async () => {
    const source =
      '{% extends "templates/login.html" %}{% block login %}<h2>Hello</h2>{{ super() }}{% endblock login %}'
    const site = await withOverride('login.html', source)

    assert.match(await site.render('login.html', login), /<h2>Hello<\/h2>.*id="password_input"/s)
  })

  it("understands what sites write for JupyterHub's Jinja", async () => {
    const source = `{% extends "templates/page.html" %}
      {% if announcement_home is string %}{% set announcement = announcement_home %}{% endif %}
      {% block main %}
        {%- for item in items %}{% block item scoped %}[{{ item.name }} {{ loop.index }}]{% endblock item %}{% endfor %}
        {{ when.isoformat() + 'Z' }} {{ html | safe }} {{ text }} {{ data | tojson }}
        {% if missing is not defined and on == True %}yes{% endif %} {{ "admin-ui" in parsed_scopes }}
        {{ static_url("a.js", include_version=False) }} {{ tags | unique | join(',') }}
      {% endblock %}`
    const site = await withOverride('home.html', source)

    const html = await site.render('home.html', {
      items: [{ name: 'a' }, { name: 'b' }],
      when: templateTime(new Date('2026-11-22T04:29:14.123Z')),
      html: '<b>bold</b>',
      text: '<i>',
      data: { a: '</script>' },
      on: true,
      tags: ['x', 'y', 'x'],
      announcement_home: 'Welcome <b>home</b>',
    })

    assert.match(html, /\[a 1\]\s*\[b 2\]/)
    assert.match(html, /2026-11-22T04:29:14\.123000Z <b>bold<\/b> &lt;i&gt; \{"a":"\\u003c\/script\\u003e"\}/)
    assert.match(html, /yes false\s+\/hub\/static\/a\.js x,y/)
    assert.match(html, /Welcome <b>home<\/b>/)
  })

  it('gives templateVars to every page and calls those that are functions with the user', async () => {
    const source = '{% extends "templates/page.html" %}{% block main %}{{ phone }} {{ hello }}{% endblock %}'
    const hello = (user: { name: string } | undefined) => `hello ${user?.name}`
    const site = await withOverride('404.html', source, { templateVars: { phone: '2222', hello } })

    assert.match(await site.render('404.html', { user: { name: 'ada' } }), /2222 hello ada/)
  })

  it('names file and line of a fault', async () => {
    const faults: Record<string, { source: string; fault: RegExp; line: number }> = {
      'unknown tag': {
        source: '{% extends "templates/page.html" %}\n{% trans %}x{% endtrans %}',
        fault: /trans/,
        line: 2,
      },
      'unknown filter': { source: 'a\n\n{{ x | nosuch }}', fault: /nosuch/, line: 3 },
      'wrong expression': { source: 'a\n{{ x y }}', fault: /expected/, line: 2 },
    }
    for (const [name, { source, fault, line }] of Object.entries(faults)) {
      const site = await withOverride('login.html', source)
      await assert.rejects(
        () => site.render('login.html', login),
        (error: HubError) => {
          assert.ok(error instanceof HubError)
          assert.equal(error.code, 'template_error', name)
          assert.equal(error.detail?.where, `${join(folder, 'login.html')}:${line}`, name)
          assert.match(String(error.detail?.fault), fault, name)
          return true
        },
      )
    }
  })

  it('never reads outside its folders', () => {
    const renderer = createRenderer({ baseUrl: '/', templatePaths: [folder] })

    assert.equal(renderer.has('../render.ts'), false)
    assert.equal(renderer.has('/etc/passwd'), false)
    assert.equal(renderer.has('templates/../../render.ts'), false)
  })
})
