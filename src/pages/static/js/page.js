// Runs before the page is painted: the remembered appearance, and what scripts of JupyterHub sites expect to find.
;(() => {
  const root = document.documentElement
  const remembered = (() => {
    try {
      return localStorage.getItem('orrery-theme')
    } catch {
      return null // storage may be forbidden; the system's choice stands then
    }
  })()
  if (remembered === 'light' || remembered === 'dark') root.dataset.theme = remembered

  const data = root.dataset
  window.jhdata = {
    base_url: data.baseUrl,
    prefix: data.prefix,
    user: data.user || undefined,
    admin_access: data.admin === 'true',
    xsrf_token: data.xsrf,
  }

  document.addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('dark-theme-toggle')
    if (!button) return
    const system = matchMedia('(prefers-color-scheme: dark)')
    const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches)
    const show = () => button.setAttribute('aria-pressed', String(isDark()))
    button.hidden = false
    button.addEventListener('click', () => {
      root.dataset.theme = isDark() ? 'light' : 'dark'
      try {
        localStorage.setItem('orrery-theme', root.dataset.theme)
      } catch {
        // not remembered, still switched
      }
      show()
    })
    system.addEventListener('change', show)
    show()
  })
})()
