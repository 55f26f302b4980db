// Follows a start by its event stream and goes on when the server is ready.
import { elapsedWords } from './times.js'

const page = document.getElementById('pending')
const bar = document.getElementById('progress-bar')
const percent = document.getElementById('sr-progress')
const message = document.getElementById('progress-message')
const steps = document.getElementById('progress-log')
const slow = document.getElementById('pending-slow')
const since = new Date(page.querySelector('time[data-form=elapsed]').dateTime)
const SLOW_MS = 60_000
const seen = new Set([...steps.querySelectorAll('.step > span')].map(step => step.textContent))

const stream = new EventSource(page.dataset.progressUrl)
stream.onmessage = received => {
  const event = JSON.parse(received.data)
  if (event.progress !== undefined) {
    bar.value = event.progress
    percent.textContent = `${event.progress}%`
    document.title = `${event.progress}% · Starting · ${page.dataset.site}`
  }
  if (event.message) {
    if (message.textContent !== event.message) message.textContent = event.message
    addStep(event)
  }
  if (event.ready || event.failed) {
    stream.close()
    location.reload() // the hub knows where to go from here: the server, or the page with the reason
  }
}
// A stream that broke comes back by itself, one that was refused does not: the hub may be restarting.
stream.onerror = () => {
  if (stream.readyState === EventSource.CLOSED) setTimeout(reloadWhenHubIsBack, 1000)
}

async function reloadWhenHubIsBack() {
  try {
    const response = await fetch(location.href, { headers: { accept: 'text/html' } })
    if (![502, 503, 504].includes(response.status)) return location.reload()
  } catch {
    // not there yet
  }
  setTimeout(reloadWhenHubIsBack, 1000)
}

function addStep(event) {
  if (seen.has(event.message)) return
  seen.add(event.message)
  for (const done of steps.querySelectorAll('.is-current')) {
    done.classList.remove('is-current')
    done.querySelector('svg').outerHTML = DONE
  }
  const item = document.createElement('li')
  item.className = 'step is-current'
  item.innerHTML = CURRENT
  const text = document.createElement('span')
  text.textContent = event.message
  item.append(text, ` ${elapsedWords((Date.now() - since.getTime()) / 1000)}`)
  steps.append(item)
}

const DONE =
  '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="m3 8.5 3.2 3.2L13 4.8" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>'
const CURRENT =
  '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle cx="8" cy="8" r="4.25" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M8 3.75a4.25 4.25 0 0 1 0 8.5z" fill="currentColor"/></svg>'

setInterval(() => {
  if (slow.textContent || Date.now() - since.getTime() <= SLOW_MS) return
  slow.textContent = 'This takes longer than usual. You may wait, or stop and try again.'
}, 2000)

// A page that comes back from the browser's cache shows a past start.
addEventListener('pageshow', event => {
  if (event.persisted) location.reload()
})
