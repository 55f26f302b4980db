// Logs of servers: copied with a button, and followed as they grow wherever a box says where to ask.

const LONGEST = 400_000 // signs; what is older goes
const { xsrf } = document.documentElement.dataset

for (const box of document.querySelectorAll('[data-log]')) {
  const text = box.querySelector('[data-log-text]')
  offerCopy(box, text)
  if (box.dataset.eventsUrl) followInto(box, text)
}

function offerCopy(box, text) {
  const button = box.querySelector('[data-log-copy]')
  if (!button) return
  button.hidden = false
  button.addEventListener('click', async () => {
    tell(box, (await copied(text)) ? 'Copied.' : 'Select the text and copy it by hand.')
  })
}

async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.textContent)
    return true
  } catch {
    // Over plain HTTP there is no clipboard; what is selected can still be copied.
    getSelection().selectAllChildren(element)
    return document.execCommand('copy')
  }
}

function tell(box, words) {
  box.querySelector('[data-log-status]').textContent = words
}

/** Only while it can be seen: in a part that is folded up nothing is asked for. */
function followInto(box, text) {
  const fold = box.closest('details')
  const pause = box.querySelector('[data-log-pause]')
  let stream
  let timer
  let isFresh = true
  let held = ''
  const isPaused = () => pause.getAttribute('aria-pressed') === 'true'

  function open() {
    close()
    if (document.hidden || (fold && !fold.open)) return
    isFresh = true
    stream = new EventSource(`${box.dataset.eventsUrl}?_xsrf=${encodeURIComponent(xsrf)}`)
    stream.onmessage = event => take(event, isFresh)
    stream.addEventListener('replace', event => take(event, true))
    stream.addEventListener('lost', event => take(event, false, '[…]\n'))
    stream.addEventListener('end', () => {
      close()
      tell(box, 'The server does not run any more.')
    })
    stream.onerror = () => {
      // A stream that broke comes back by itself, one that was refused does not: the hub may be restarting.
      if (stream.readyState === EventSource.CLOSED) timer = setTimeout(open, 3000)
    }
  }

  function close() {
    clearTimeout(timer)
    stream?.close()
    stream = undefined
  }

  function take(event, replaces, mark = '') {
    const words = mark + JSON.parse(event.data).text
    isFresh = false
    if (isPaused() && !replaces) {
      held = (held + words).slice(-LONGEST)
      return tell(box, 'Paused; there is more.')
    }
    show(words, replaces)
  }

  function show(words, replaces) {
    const isAtEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 8
    if (replaces) text.textContent = words
    else text.append(words)
    if (text.textContent.length > LONGEST) text.textContent = text.textContent.slice(-LONGEST / 2)
    if (isAtEnd || replaces) text.scrollTop = text.scrollHeight
  }

  pause.hidden = false
  pause.addEventListener('click', () => {
    pause.setAttribute('aria-pressed', String(!isPaused()))
    if (isPaused()) return tell(box, 'Paused.')
    show(held, false)
    held = ''
    tell(box, '')
  })
  fold?.addEventListener('toggle', open)
  document.addEventListener('visibilitychange', open)
  open()
}
