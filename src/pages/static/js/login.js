// Forms: show the password, say that something is happening, warn of plain HTTP.
const password = document.getElementById('password_input')
const toggle = document.getElementById('toggle_password_visibility')
if (password && toggle) {
  toggle.hidden = false
  toggle.addEventListener('click', () => {
    const show = password.type === 'password'
    password.type = show ? 'text' : 'password'
    toggle.setAttribute('aria-pressed', String(show))
  })
}

const warning = document.getElementById('insecure-login-warning')
if (warning && !window.isSecureContext) warning.hidden = false

for (const form of document.querySelectorAll('form[data-busy]')) {
  form.addEventListener('submit', () => {
    const button = form.querySelector('button[type=submit], button:not([type])')
    if (!button) return
    const text = button.textContent
    button.textContent = form.dataset.busy
    button.setAttribute('aria-disabled', 'true')
    // A page that comes back from the browser's cache must be usable again.
    addEventListener(
      'pageshow',
      () => {
        button.textContent = text
        button.removeAttribute('aria-disabled')
      },
      { once: true },
    )
  })
}
