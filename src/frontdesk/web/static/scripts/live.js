// Keeps a page connected: the server tells a page that comes back what it missed; a session that ended goes to the sign-in.
(() => {
  const PATIENCE = 5000
  const over = new Set()
  let live

  document.addEventListener("DOMContentLoaded", () => { live = document.getElementById("live") })

  // the very first connection, or one that was given up, has nobody to retry it
  setInterval(() => {
    if (!live?.isConnected) live = document.getElementById("live")
    if (live && !live._htmx?.sse && !document.hidden && navigator.onLine) {
      htmx.ajax("GET", live.getAttribute("hx-sse:connect"), { source: live, swap: "none" })
    }
  }, PATIENCE)

  // the stream may live while what it told of could not be fetched: it is fetched again a little later, or as soon as the line is back
  let waits

  document.addEventListener("htmx:error", event => tryLater(event.detail.ctx))
  document.addEventListener("htmx:before:swap", event => { if ([429, 500, 502, 503, 504].includes(event.detail.ctx.response?.status)) tryLater(event.detail.ctx) })
  addEventListener("online", fetchAgain)

  // a piece of the page, or its stream, is not this user's any more: then what the page shows is not either
  document.addEventListener("htmx:before:swap", event => { if (event.detail.ctx.sourceEvent?.type === "changed") leaveIf(event.detail.ctx.response?.status) })
  document.addEventListener("htmx:sse:error", event => leaveIf(event.detail.status))

  function leaveIf(status) {
    if ([403, 404].includes(status) && performance.now() > PATIENCE) location.reload()  // a page that has just come is not asked for again at once
  }

  function tryLater(ctx) {
    if (ctx?.sourceEvent?.type === "changed") waits ??= setTimeout(fetchAgain, PATIENCE * (1 + Math.random()))
  }

  function fetchAgain() {
    clearTimeout(waits)
    waits = undefined
    if (live?.isConnected) htmx.trigger(live, "changed")
  }

  // hours and minutes that are left of a window
  setInterval(tick, 20000)
  document.addEventListener("htmx:after:swap", tick)

  function tick() {
    for (const left of document.querySelectorAll("time[data-left]")) {
      const minutes = Math.floor((new Date(left.dateTime) - Date.now()) / 60000)
      if (minutes < 0 && !over.has(left.dateTime)) {
        over.add(left.dateTime)
        htmx.trigger(live, "changed")
      }
      left.textContent = minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.max(minutes, 0)} min`
    }
  }
})()
