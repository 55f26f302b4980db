// Says on the button or link with `data-busy` words that something is under way: until the next page is there, nothing
// else would. Of a form it is the button that was pressed.
document.addEventListener('submit', event => {
  const { target: form, submitter } = event
  if (event.defaultPrevented || !form.dataset.busy) return
  say(submitter ?? form.querySelector('button:not([type=button])'), form.dataset.busy)
})
document.addEventListener('click', event => {
  const link = event.target.closest('a[data-busy]')
  const elsewhere = event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey
  if (link && !elsewhere && !event.defaultPrevented) say(link, link.dataset.busy)
})

function say(button, words) {
  if (!button || button.hasAttribute('aria-disabled')) return
  const text = button.textContent
  button.textContent = words
  button.setAttribute('aria-disabled', 'true')
  // A page that comes back from the browser's cache must be usable again.
  const restore = () => {
    button.textContent = text
    button.removeAttribute('aria-disabled')
  }
  addEventListener('pageshow', restore, { once: true })
}
