/**
 * Makes HTML of a template's name and its variables. Templates are nunjucks with JupyterHub's names of templates,
 * blocks and variables, so that overrides a site wrote for JupyterHub go on working.
 */
import nunjucks from 'nunjucks'
import { HubError } from '../core/errors.ts'
import { type Clock, systemClock } from '../core/runtime.ts'
import { accentCss } from './accent.ts'
import { contentHash, hashStaticFiles } from './static-files.ts'
import { addFilters } from './template-filters.ts'
import { TemplateLoader } from './template-loader.ts'

export interface RendererOptions {
  /** Folders with a site's own templates, the first one wins. */
  readonly templatePaths?: readonly string[]
  /** Variables for every template. A function is called with the template's `user`, as in JupyterHub. */
  readonly templateVars?: Readonly<Record<string, unknown>>
  /** Where everything lies: `/` or `/jupyter/`. The hub's pages are at `<baseUrl>hub/`. */
  readonly baseUrl: string
  /** Shown beside the mark and in titles. */
  readonly siteName?: string
  /** An image of the site's own in place of the mark. */
  readonly logoFile?: string
  /** `#rrggbb`; made darker or lighter until text on it and in it can be read. */
  readonly accentColour?: string
  /** HTML shown on every page; `templateVars` may hold `announcement_login`, `announcement_home` and so on. */
  readonly announcement?: string
  /** HTML for single pages in place of the common one: `login`, `home`, `spawn`, `token`, `logout`. */
  readonly announcements?: Readonly<Record<string, string>>
  /** HTML below every page. */
  readonly footer?: string
  /** The browser programs as they were built from `ui/`; absent or empty: their pages say so. */
  readonly uiFolder?: string
  readonly clock?: Clock
}

export interface Renderer {
  /** Renders `login.html` and the like. Throws HubError `template_error`, which names file and line for the log. */
  render(name: string, vars: Readonly<Record<string, unknown>>): string
  /** The same for a text that is a template itself. */
  renderText(text: string, vars: Readonly<Record<string, unknown>>): string
  /** Is there such a template, the site's or our own? */
  has(name: string): boolean
  /** `/hub/static/style.css?v=…` */
  staticUrl(path: string): string
  /** Is there such a file? */
  hasStatic(path: string): boolean
  /** Where files below `ui/` lie; undefined when there are none. */
  readonly uiFolder: string | undefined
  /** The style sheet with the site's accent colour. */
  readonly accentCss: string
}

export function createRenderer(options: RendererOptions): Renderer {
  nunjucks.installJinjaCompat() // True, None, dict.items(), slices: what Python people write in templates
  const uiFiles = options.uiFolder === undefined ? new Map() : hashStaticFiles(options.uiFolder, 'ui/')
  const hashes: ReadonlyMap<string, string> = new Map([...hashStaticFiles(), ...uiFiles])
  const hubUrl = `${options.baseUrl}hub/`
  const accent = accentCss(options.accentColour)

  const loader = new TemplateLoader(options.templatePaths ?? [], hasFilter)
  const environment = new nunjucks.Environment(loader, { autoescape: true, trimBlocks: false, lstripBlocks: false })
  addFilters(environment, options.clock ?? systemClock)

  function hasFilter(name: string): boolean {
    try {
      return Boolean(environment.getFilter(name))
    } catch {
      return false
    }
  }

  function staticUrl(path: string, keywords?: { include_version?: boolean }): string {
    const hash = path === 'accent.css' ? contentHash(accent) : hashes.get(path)
    const version = hash === undefined || keywords?.include_version === false ? '' : `?v=${hash}`
    return `${hubUrl}static/${path}${version}`
  }

  const globals = {
    base_url: hubUrl,
    prefix: options.baseUrl,
    login_url: `${hubUrl}login`,
    logout_url: `${hubUrl}logout`,
    logo_url: undefined,
    static_url: staticUrl,
    version_hash: contentHash([...hashes.values()].join()),
    site_name: options.siteName ?? 'Orrery',
    own_logo: options.logoFile !== undefined,
    announcement: options.announcement,
    ...Object.fromEntries(
      Object.entries(options.announcements ?? {}).map(([page, html]) => [`announcement_${page}`, html]),
    ),
    footer: options.footer,
    services: [],
    parsed_scopes: {},
    expanded_scopes: [],
  }

  function rendering(
    name: string,
    vars: Readonly<Record<string, unknown>>,
    render: (context: object) => string,
  ): string {
    try {
      return render({ ...globals, ...siteVars(options.templateVars, vars.user), ...vars }).trimStart()
    } catch (cause) {
      throw templateError(name, cause)
    }
  }

  return {
    has: name => loader.find(name) !== undefined,
    staticUrl,
    hasStatic: path => hashes.has(path),
    uiFolder: uiFiles.size > 0 ? options.uiFolder : undefined,
    accentCss: accent,
    render: (name, vars) => rendering(name, vars, context => environment.render(name, context)),
    renderText: (text, vars) => rendering('a text', vars, context => environment.renderString(text, context)),
  }
}

function siteVars(vars: Readonly<Record<string, unknown>> = {}, user: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(vars).map(([name, value]) => [name, typeof value === 'function' ? value(user) : value]),
  )
}

/** nunjucks puts file, line and column into the text of its errors: `(file) [Line 3, Column 5]`. */
function templateError(name: string, cause: unknown): HubError {
  const text = cause instanceof Error ? cause.message : String(cause)
  const place = /\(([^)]+)\)(?: \[Line (\d+), Column (\d+)\])?/.exec(text)
  const fault = text.split('\n').at(-1)?.trim() ?? text
  const where = place === null ? name : [place[1], place[2]].filter(Boolean).join(':')
  return new HubError('template_error', {
    status: 500,
    message: 'This page could not be made: one of its templates has a fault.',
    nextStep: 'Tell the administrator; the log names the file and the line.',
    detail: { template: name, where, fault },
    cause,
  })
}
