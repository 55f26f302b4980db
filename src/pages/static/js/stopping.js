// Looks again until the server has ended.
setTimeout(() => location.reload(), 2000)
