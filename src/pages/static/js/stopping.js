// Asks quietly whether the server has ended, and only then loads the page again.
const look = async () => {
  try {
    const response = await fetch(location.href, { headers: { accept: 'text/html' } })
    if (response.redirected || !(await response.text()).includes('id="stop-pending"')) return location.reload()
  } catch {
    // The hub may be restarting: the next round asks again.
  }
  setTimeout(look, 1500)
}
setTimeout(look, 1500)
