// Passkeys: a device makes one or signs with one, and the form that asked for it goes on like any other.
(() => {
  const usable = Boolean(window.PublicKeyCredential) && isSecureContext && !/^(\d+\.){3}\d+$|^\[/.test(location.hostname)

  document.addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("[data-passkey]")) form.hidden = !usable
    for (const told of document.querySelectorAll("[data-no-passkeys]")) told.hidden = usable
  })

  // whoever comes back with the back button begins anew
  addEventListener("pageshow", () => { for (const form of document.querySelectorAll("[data-passkey]")) form.elements.credential.value = "" })

  document.addEventListener("submit", event => {
    const form = event.target
    if (!form.dataset.passkey) return
    event.preventDefault()
    if (!form.ariaBusy) ask(form)
  }, true)

  async function ask(form) {
    form.ariaBusy = "true"
    tell(form, "")
    try {
      const options = await challenge(form)
      if (!options) return
      const made = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: { ...options, user: { ...options.user, id: bytes(options.user.id) } } })
        : await navigator.credentials.get({ publicKey: options })
      form.elements.credential.value = JSON.stringify(written(made))
      return form.submit()
    } catch (error) {
      tell(form, form.dataset[{ NotAllowedError: "cancelled", InvalidStateError: "known" }[error.name] || "failed"])
    }
    form.ariaBusy = null
  }

  async function challenge(form) {
    const headers = { "X-CSRF-Token": form.elements.csrf_token.value, Accept: "application/json" }
    const answer = await fetch(form.dataset.challenge, { method: "POST", headers })
    const said = await answer.json()
    if (answer.status === 401 || answer.redirected) return location.reload()
    if (!answer.ok) {
      form.ariaBusy = null
      return tell(form, said.detail)
    }
    const described = list => (list || []).map(one => ({ ...one, id: bytes(one.id) }))
    return { ...said, challenge: bytes(said.challenge), allowCredentials: described(said.allowCredentials), excludeCredentials: described(said.excludeCredentials) }
  }

  function written(made) {
    const { response } = made, said = { clientDataJSON: text(response.clientDataJSON) }
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (response[part]) said[part] = text(response[part])
    if (response.getTransports) said.transports = response.getTransports()
    return { id: made.id, rawId: text(made.rawId), type: made.type, response: said }
  }

  function tell(form, sentence) {
    const told = form.querySelector("[data-told]")
    told.textContent = sentence || ""
    told.hidden = !sentence
  }

  // base64url, both ways
  function bytes(written) { return Uint8Array.from(atob(written.replaceAll("-", "+").replaceAll("_", "/")), letter => letter.charCodeAt(0)) }
  function text(buffer) { return btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") }
})()
