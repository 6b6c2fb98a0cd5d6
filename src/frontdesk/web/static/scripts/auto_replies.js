// Auto replies: words as chips, names inserted into the text, and rules dragged into their order. Without it there are lines, typing and buttons.
(() => {
  document.addEventListener("DOMContentLoaded", () => { for (const area of document.querySelectorAll("textarea[data-words]")) showChips(area) })

  // the lines stay what is sent; the chips are how they are seen
  function showChips(area) {
    const box = document.createElement("div"), field = document.createElement("input")
    field.id = area.id
    field.autocomplete = "off"
    field.placeholder = area.dataset.words
    for (const name of ["aria-describedby", "aria-invalid"]) if (area.hasAttribute(name)) field.setAttribute(name, area.getAttribute(name))
    area.removeAttribute("id")
    field.autofocus = area.autofocus
    area.hidden = true
    box.className = "words"
    box.append(field)
    area.after(box)
    if (document.activeElement === area || (area.autofocus && document.activeElement === document.body)) field.focus()
    for (const word of divided(area.value)) addChip(field, word)
    box.addEventListener("keydown", event => onKey(event, area, field))
    field.addEventListener("focusout", () => add(area, field, field.value))
    field.addEventListener("paste", event => {
      const text = event.clipboardData.getData("text")
      if (divided(text).length < 2) return
      event.preventDefault()
      add(area, field, text)
    })
    box.addEventListener("click", event => {
      event.target.closest("button")?.parentElement.remove()
      keep(area, box)
      field.focus()
    })
  }

  const divided = text => text.split(/[\n,]/).map(word => word.trim()).filter(Boolean)

  function onKey(event, area, field) {
    if (event.target !== field || event.isComposing) return
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault()
      add(area, field, field.value)
    } else if (event.key === "Backspace" && !field.value) {
      field.previousElementSibling?.remove()
      keep(area, field.parentElement)
    }
  }

  function add(area, field, text) {
    for (const word of divided(text)) addChip(field, word)
    field.value = ""
    keep(area, field.parentElement)
  }

  function addChip(field, word) {
    const chip = document.getElementById("word").content.cloneNode(true), remove = chip.querySelector("button")
    chip.querySelector("span > span").textContent = word
    remove.ariaLabel = `${remove.dataset.label} ${word}`
    field.before(chip)
  }

  function keep(area, box) {
    const words = [...box.querySelectorAll(".word > span")].map(span => span.textContent).join("\n")
    if (words === divided(area.value).join("\n")) return
    area.value = words
    area.dispatchEvent(new Event("input", { bubbles: true }))
  }

  document.addEventListener("click", event => {
    const inserter = event.target instanceof Element && event.target.closest("[data-inserts]")
    if (!inserter) return
    const text = document.getElementById(inserter.dataset.into)
    text.setRangeText(inserter.dataset.inserts, text.selectionStart, text.selectionEnd, "end")
    text.focus()
    text.dispatchEvent(new Event("input", { bubbles: true }))
  })

  // the answer to what was asked is brought into sight
  document.addEventListener("htmx:after:swap", event => {
    if (event.detail.ctx.sourceElement?.matches?.(".tester form")) document.querySelector("#verdict .verdict")?.scrollIntoView({ block: "nearest" })
  })

  let row, home

  const rowOf = node => node instanceof Element ? node.closest("[data-orders] > [data-place]") : null

  // only the grip drags, so that text in a row can still be selected
  document.addEventListener("pointerdown", event => {
    const grip = event.target instanceof Element && event.target.closest(".grip")
    if (grip && rowOf(grip)) rowOf(grip).draggable = true
  })
  document.addEventListener("pointerup", event => rowOf(event.target)?.removeAttribute("draggable"))

  document.addEventListener("dragstart", event => {
    row = event.target instanceof Element && event.target.draggable ? rowOf(event.target) : null
    if (!row) return
    home = row.nextSibling
    event.dataTransfer.effectAllowed = "move"
    event.dataTransfer.setData("text/plain", "")
    row.classList.add("dragged")
  })

  document.addEventListener("dragover", event => {
    const over = row && rowOf(event.target)
    if (!over || over.parentElement !== row.parentElement) return
    event.preventDefault()
    if (over === row) return
    const box = over.getBoundingClientRect()
    event.clientY < box.top + box.height / 2 ? over.before(row) : over.after(row)
  })

  document.addEventListener("drop", event => { if (row) event.preventDefault() })

  document.addEventListener("dragend", event => {
    if (!row) return
    const moved = row, list = row.parentElement
    row = null
    moved.classList.remove("dragged")
    moved.removeAttribute("draggable")
    if (event.dataTransfer.dropEffect === "none") return list.insertBefore(moved, home)
    const place = [...list.querySelectorAll(":scope > [data-place]")].indexOf(moved) + 1
    if (place !== Number(moved.dataset.place)) send(moved, list.dataset.orders, place)
  })

  function send(moved, name, place) {
    const form = moved.querySelector("form"), field = document.createElement("input")
    field.type = "hidden"; field.name = name; field.value = place
    form.append(field)
    form.requestSubmit()
    field.remove()
  }

  // what was not saved must not look as if it were
  document.addEventListener("htmx:error", event => {
    if (event.detail.ctx?.sourceElement?.closest?.("[data-orders]")) setTimeout(() => location.reload(), 3000)
  })
})()
