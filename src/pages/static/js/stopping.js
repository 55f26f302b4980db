// Asks quietly whether the server has ended, and only then loads the page again.
const look = async () => {
  try {
    const response = await fetch(location.href, { headers: { accept: 'text/html' } })
    const isGone = [502, 503, 504].includes(response.status) // the hub, not the server
    const isOver = response.redirected || !(await response.text()).includes('id="stop-pending"')
    if (isOver && !isGone) return location.reload()
  } catch {
    // The hub may be restarting: the next round asks again.
  }
  setTimeout(look, 1500)
}
setTimeout(look, 1500)
