// Forms with a password: show it, warn of plain HTTP.
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
