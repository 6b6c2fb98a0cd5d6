// The inbox: the thread stays at its end, Enter sends, keys move through the list, the address follows filter and conversation.
(() => {
  const log = () => document.getElementById("log")
  const reply = () => document.getElementById("reply")
  let atEnd = true, typedOn = ""

  document.addEventListener("DOMContentLoaded", () => { toEnd(); markCurrent() })

  document.addEventListener("htmx:before:swap", event => {
    const box = log(), sent = event.detail.ctx.sourceElement
    atEnd = !sent?.matches(".earlier") && (!box || sent?.matches(".convs a, #composer") || box.scrollHeight - box.scrollTop - box.clientHeight < 80)
    typedOn = sent?.id === "composer" ? addedSince(sent) : ""
  })

  document.addEventListener("htmx:after:swap", () => {
    if (atEnd) toEnd()
    if (typedOn && reply()) { reply().value = typedOn; typedOn = "" }
    markCurrent()
    // on a phone the conversation takes the place of the list
    if (document.activeElement.matches(".convs a") && !document.activeElement.checkVisibility()) document.getElementById("main").focus()
  })

  // what somebody typed while the message before it was on its way
  document.addEventListener("htmx:before:request", event => {
    const form = event.detail.ctx.sourceElement
    if (form?.id === "composer") form.dataset.sent = form.elements.text.value
  })

  function addedSince(form) {
    const now = form.elements.text.value, sent = form.dataset.sent ?? ""
    return now !== sent && now.startsWith(sent) ? now.slice(sent.length) : ""
  }

  // the composer grows with what is written, also in browsers whose style sheets cannot say so
  if (!CSS.supports("field-sizing", "content")) {
    document.addEventListener("input", event => { if (event.target.id === "reply") event.target.rows = Math.min(event.target.value.split("\n").length, 10) })
  }

  function toEnd() {
    const box = log()
    if (box) box.scrollTop = box.scrollHeight
  }

  function markCurrent() {
    const list = document.getElementById("conversations")
    if (!list) return
    for (const row of list.querySelectorAll(".list-group-item")) {
      const here = row.pathname === location.pathname
      row.classList.toggle("active", here)
      here ? row.setAttribute("aria-current", "true") : row.removeAttribute("aria-current")
    }
    const search = list.dataset.query ? `?${list.dataset.query}` : ""
    if (search !== location.search) history.replaceState(history.state, "", location.pathname + search)
  }

  document.addEventListener("keydown", event => {
    if (event.target.id === "reply" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault()
      if (event.target.value.trim()) event.target.form.requestSubmit()
      return
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !document.getElementById("conversations")) return
    if (event.target.closest("input, textarea, select, dialog, [popover]")) {
      if (event.key === "Escape") event.target.blur()
      return
    }
    const act = { j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1), r: () => reply()?.focus(), e: () => document.querySelector("#chat-head .btn-primary")?.click(), "/": () => find() }[event.key]
    if (!act || (event.key.startsWith("Arrow") && !event.target.closest(".convs"))) return
    event.preventDefault()
    act()
  })

  function move(step) {
    const rows = [...document.querySelectorAll("#conversations .list-group-item")]
    const now = rows.findIndex(row => row.hasAttribute("aria-current"))
    const next = rows[now < 0 ? (step > 0 ? 0 : rows.length - 1) : now + step]
    if (next) { next.focus(); next.click() }
  }

  function find() {
    const field = document.getElementById("q")
    field?.focus()
    field?.select()
  }
})()
