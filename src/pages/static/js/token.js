// Makes and revokes tokens by the REST API, so that nothing is sent twice on reload; copies the new one.
import { refreshTimes } from './times.js'

const { baseUrl, user, xsrf } = document.documentElement.dataset
const api = `${baseUrl}api/users/${encodeURIComponent(user)}/tokens`
const form = document.getElementById('request-token-form')
const area = document.getElementById('token-area')

form.addEventListener('submit', async event => {
  event.preventDefault()
  const button = form.querySelector('button')
  button.disabled = true
  try {
    const fields = new FormData(form)
    const scopes = String(fields.get('scopes'))
      .split(/[\s,]+/)
      .filter(Boolean)
    const note = String(fields.get('note')).trim()
    const expires = Number(fields.get('expires_in'))
    const token = await call('POST', api, {
      note: note || 'Requested via token page',
      ...(expires > 0 && { expires_in: expires }),
      ...(scopes.length > 0 && { scopes }),
    })
    showToken(token.token, note)
    form.reset()
    await refreshLists()
  } catch (error) {
    showFault(error.message)
  }
  button.disabled = false
})

document.addEventListener('submit', async event => {
  const row = event.target.closest('tr[data-token-id]')
  if (!row) return
  event.preventDefault()
  try {
    await call('DELETE', `${api}/${encodeURIComponent(row.dataset.tokenId)}`)
    await refreshLists()
    document.getElementById('api-tokens-title').scrollIntoView({ block: 'nearest' })
  } catch (error) {
    showFault(error.message)
  }
})

async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: { 'x-xsrftoken': xsrf, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const answer = text === '' ? {} : JSON.parse(text)
  if (!response.ok) throw new Error(answer.message ?? `The hub answered ${response.status}.`)
  return answer
}

function showToken(secret, note) {
  const box = element('section', 'card notice-success')
  const line = element('div', 'secret')
  const code = element('code', '', secret)
  code.id = 'token-result'
  const copy = element('button', 'button', 'Copy')
  copy.type = 'button'
  copy.dataset.copy = 'token-result'
  line.append(code, copy)
  box.append(
    element('h2', '', `Your new token${note ? `: ${note}` : ''}`),
    line,
    element('p', '', 'Copy it now: it is shown this once.'),
  )
  area.replaceChildren(box)
  enableCopy()
  box.scrollIntoView({ block: 'nearest' })
}

function showFault(message) {
  const box = element('div', 'notice notice-error')
  box.setAttribute('role', 'alert')
  box.append(element('p', '', message))
  area.replaceChildren(box)
  box.scrollIntoView({ block: 'nearest' })
}

async function refreshLists() {
  const response = await fetch(location.href, { headers: { accept: 'text/html' } })
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  document.getElementById('token-lists').replaceWith(page.getElementById('token-lists'))
  refreshTimes()
}

function enableCopy() {
  for (const button of area.querySelectorAll('[data-copy]')) {
    button.hidden = !navigator.clipboard // browsers offer it on https and localhost only
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent)
      button.textContent = 'Copied'
    })
  }
}

function element(name, className, text = '') {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}

enableCopy()
