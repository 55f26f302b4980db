// Keeps the cards of the home page current. The server renders them; this fetches the page again and replaces the cards
// that changed, in place. Starting servers are followed by their event stream, so their cards move at once.
import { refreshTimes } from './times.js'

const { baseUrl, user, xsrf } = document.documentElement.dataset
const cards = document.getElementById('servers')
const streams = new Map()
const CALM_MS = 20_000
const BUSY_MS = 1_500
let timer = 0

async function refresh() {
  clearTimeout(timer)
  if (!document.hidden) {
    try {
      const response = await fetch(location.href, { headers: { accept: 'text/html' }, credentials: 'same-origin' })
      if (response.redirected && new URL(response.url).pathname !== location.pathname) return location.reload()
      if (response.ok) replaceCards(new DOMParser().parseFromString(await response.text(), 'text/html'))
    } catch {
      // The hub may be restarting: the cards stay as they were and the next round tries again.
    }
  }
  timer = setTimeout(refresh, cards.querySelector('[data-phase=stopping], [data-phase=spawning]') ? BUSY_MS : CALM_MS)
}

function replaceCards(fresh) {
  const news = new Map([...fresh.querySelectorAll('#servers > .server')].map(card => [card.dataset.serverName, card]))
  for (const card of cards.querySelectorAll(':scope > .server')) {
    const next = news.get(card.dataset.serverName)
    news.delete(card.dataset.serverName)
    if (!next) card.remove()
    else if (next.dataset.phase !== card.dataset.phase) swap(card, next)
    else if (next.dataset.phase === 'spawning') tick(card, next)
    else renewUsage(card, next)
  }
  for (const card of news.values()) cards.append(card)
  refreshTimes(cards)
  follow()
}

// Whoever stands on a button of the card stays on the card's first button.
function swap(card, next) {
  const hadFocus = card.contains(document.activeElement)
  card.replaceWith(next)
  if (hadFocus) next.querySelector('a.button, button')?.focus()
}

function tick(card, next) {
  const bar = card.querySelector('progress')
  const nextBar = next.querySelector('progress')
  if (bar && nextBar) bar.value = nextBar.value
  const text = card.querySelector('.server-title .muted')
  const nextText = next.querySelector('.server-title .muted')
  if (text && nextText) text.replaceWith(nextText)
}

// The warning is read out when it changes, so it is left alone when it does not.
function renewUsage(card, next) {
  for (const part of ['.usage-figures', '.usage-warning']) {
    const old = card.querySelector(part)
    const fresh = next.querySelector(part)
    if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes)
  }
  // The time in it is rewritten in the reader's zone, so the words are no sign of news.
  const ended = card.querySelector('.usage-ended')
  const nextEnded = next.querySelector('.usage-ended')
  if (ended && nextEnded && ended.dataset.ended !== nextEnded.dataset.ended) ended.replaceWith(nextEnded)
}

function follow() {
  for (const card of cards.querySelectorAll('[data-phase=spawning]')) {
    const name = card.dataset.serverName
    if (streams.has(name)) continue
    const path = name ? `servers/${encodeURIComponent(name)}/progress` : 'server/progress'
    const stream = new EventSource(
      `${baseUrl}api/users/${encodeURIComponent(user)}/${path}?_xsrf=${encodeURIComponent(xsrf)}`,
    )
    streams.set(name, stream)
    stream.onmessage = message => {
      const event = JSON.parse(message.data)
      const bar = cards.querySelector(`[data-server-name="${CSS.escape(name)}"] progress`)
      if (bar && event.progress !== undefined) bar.value = event.progress
      if (event.ready || event.failed) end()
    }
    stream.onerror = () => end()
    const end = () => {
      stream.close()
      streams.delete(name)
      refresh()
    }
  }
}

cards.addEventListener('submit', async event => {
  const form = event.target
  if (!form.matches('form[data-live]')) return
  event.preventDefault()
  form.querySelector('button').disabled = true
  try {
    await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)), redirect: 'manual' })
    await refresh()
  } catch {
    form.submit()
  }
})

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) refresh()
})
addEventListener('pageshow', event => {
  if (event.persisted) refresh()
})
follow()
timer = setTimeout(refresh, cards.querySelector('[data-phase=stopping], [data-phase=spawning]') ? BUSY_MS : CALM_MS)
