// What every page needs: theme, copy, dialogs, toasts, counters, filters, and the proof that goes with each htmx request.
(() => {
  const root = document.documentElement
  const meta = name => document.querySelector(`meta[name="${name}"]`)?.content
  const within = (event, selector) => event.target instanceof Element ? event.target.closest(selector) : null

  document.addEventListener("htmx:config:request", event => {
    const request = event.detail.ctx.request
    if (meta("csrf-token") && request.method !== "GET") request.headers["X-CSRF-Token"] = meta("csrf-token")
    if (meta("organization-id")) request.headers["X-Organization-Id"] = meta("organization-id")
  })

  document.addEventListener("click", event => {
    const copier = within(event, "[data-copy]")
    if (copier) return copy(copier)
    const choice = within(event, "[data-theme-choice]")
    if (choice) return chooseTheme(choice)
    const opener = within(event, "[data-opens]")
    if (opener) return openDialog(opener.dataset.opens)
    const closer = within(event, "[data-closes]")
    if (closer) return closer.closest("dialog").close()
    within(event, "[data-dismiss]")?.closest("[data-toast]").remove()
  })

  async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.copy)
    const use = button.querySelector("use"), before = use.getAttribute("href"), label = button.ariaLabel
    use.setAttribute("href", before.replace(/#.*/, "#check"))
    button.ariaLabel = button.dataset.copied
    setTimeout(() => { use.setAttribute("href", before); button.ariaLabel = label }, 2000)
  }

  function chooseTheme(button) {
    const theme = button.dataset.themeChoice
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`
    root.dataset.theme = theme
    root.dataset.bsTheme = theme === "system" ? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : theme
    for (const other of document.querySelectorAll("[data-theme-choice]")) other.ariaPressed = String(other === button)
    const use = document.querySelector(".theme use")
    use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${button.dataset.icon}`))
    button.closest("[popover]")?.hidePopover()
  }

  function openDialog(id) {
    for (const menu of document.querySelectorAll("[popover]:popover-open")) menu.hidePopover()
    document.getElementById(id)?.showModal()
  }

  // hx-confirm asks in a dialog of ours; its text is the attribute
  document.addEventListener("htmx:confirm", event => {
    event.preventDefault()
    const dialog = document.createElement("dialog"), text = document.createElement("p"), acts = document.createElement("div")
    const no = button("btn", root.dataset.no), yes = button("btn btn-danger", event.detail.ctx.sourceElement.dataset.yes || root.dataset.yes)
    dialog.className = "ask"; acts.className = "acts"; text.className = "m-0"; text.id = "asked"
    dialog.setAttribute("aria-labelledby", text.id)
    text.textContent = event.detail.ctx.confirm
    acts.append(no, yes); dialog.append(text, acts); document.body.append(dialog)
    no.onclick = () => dialog.close()
    yes.onclick = () => dialog.close("yes")
    dialog.onclose = () => { dialog.remove(); dialog.returnValue === "yes" ? event.detail.issueRequest() : event.detail.dropRequest() }
    dialog.showModal()
  })

  function button(classes, label) {
    const made = document.createElement("button")
    made.type = "button"; made.className = classes; made.textContent = label
    return made
  }

  // who works by keyboard is not sent back to the top of the page when what had the focus is replaced or gone
  const FOCUSABLE = "a[href], button:enabled, input:not([type=hidden]):enabled, select:enabled, textarea:enabled, [tabindex='0']"
  let around = []

  document.addEventListener("htmx:before:swap", () => {
    around = []
    for (let at = document.activeElement; at && at !== document.body; at = at.parentElement) if (at.id) around.push(at.id)
  })

  document.addEventListener("htmx:after:swap", () => {
    if (document.activeElement !== document.body) return
    for (const id of around) {
      const left = document.getElementById(id)
      const next = left?.matches(FOCUSABLE) ? left : left?.querySelector(FOCUSABLE)
      if (next) return next.focus({ preventScroll: true })
    }
  })

  // what somebody unfolded stays unfolded when it is fetched again
  let unfolded = []

  document.addEventListener("htmx:before:swap", () => { unfolded = [...document.querySelectorAll("details[id][open]")].map(one => one.id) })
  document.addEventListener("htmx:after:swap", () => { for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "") })

  // what a page fetches by itself may fail without a word: it will be fetched again
  document.addEventListener("htmx:before:swap", event => {
    const { request, response, sourceEvent } = event.detail.ctx
    if (!(response?.status >= 400) || request.method !== "GET") return
    if (response.status === 409) say("stale")
    if (response.status === 409 || !["click", "submit", "input"].includes(sourceEvent?.type)) event.preventDefault()
  })

  document.addEventListener("htmx:sse:error", event => {
    if ([401, 403].includes(event.detail.status)) location.reload() // signed out, or shut out until something is done about it
    if (event.detail.status === 409) say("stale")
  })

  // one of the sentences that a page brings along, said once as long as it stands there
  function say(id) {
    const toasts = document.getElementById("toasts")
    if (toasts.querySelector(`[data-said="${id}"]`)) return
    toasts.append(document.getElementById(id).content.cloneNode(true))
    toasts.lastElementChild.dataset.said = id
  }

  // the server was not reached, or it took too long
  document.addEventListener("htmx:error", event => {
    const source = event.detail.ctx?.sourceElement
    if (!source || source.id === "live" || event.detail.ctx.request.method === "GET") return
    say("lost")
  })

  // good news goes by itself; bad news stays until it was read
  function leaveSoon(toast) { setTimeout(() => toast.remove(), 8000) }

  document.addEventListener("DOMContentLoaded", () => {
    const toasts = document.getElementById("toasts")
    for (const toast of toasts.querySelectorAll(".toast-ok")) leaveSoon(toast)
    new MutationObserver(changes => {
      for (const change of changes) for (const added of change.addedNodes) if (added.classList?.contains("toast-ok")) leaveSoon(added)
    }).observe(toasts, { childList: true })
  })

  document.addEventListener("input", event => {
    const field = event.target
    if (field.dataset?.limit) countLetters(field)
    if (field.dataset?.filters) filterItems(field)
  })

  function countLetters(field) {
    const counter = document.querySelector(`[data-counter-for="${field.id}"]`), used = [...field.value].length
    counter.textContent = `${used.toLocaleString(root.lang)} ${counter.dataset.of}`
    counter.classList.toggle("over", used > Number(field.dataset.limit))
  }

  function filterItems(field) {
    const wanted = field.value.trim().toLocaleLowerCase()
    for (const item of document.getElementById(field.dataset.filters).querySelectorAll(".item")) {
      item.hidden = !item.textContent.toLocaleLowerCase().includes(wanted)
    }
  }

  document.addEventListener("keydown", event => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return
    openDialog("keys")
  })

  // a form goes once, however often its button is pressed while the line is slow; who comes back with the back button may send it again.
  // What is downloaded leaves the page as it is, and may be downloaded again.
  document.addEventListener("submit", event => {
    const form = event.target
    if (event.defaultPrevented || form.method !== "post" || form.matches("[data-downloads]")) return
    if (form.ariaBusy) event.preventDefault()
    form.ariaBusy = "true"
  })
  addEventListener("pageshow", () => { for (const form of document.querySelectorAll("form[aria-busy]")) form.ariaBusy = null })

  // a switch in a list is its own form
  document.addEventListener("change", event => { if (event.target.matches?.("[data-submits]")) event.target.form.requestSubmit() })
})()
