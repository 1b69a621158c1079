// Adding a passkey: the password is asked for, the device makes a key, and the form brings what it made.
const place = document.querySelector("[data-enrol]");
const form = place.querySelector("form");
const told = place.querySelector("[role=alert]");

async function ask(path, body) {
  const { csrf_token } = await (await fetch("/api/v1/session")).json();
  const answer = await fetch(`/api/v1${path}`, {
    method: "POST",
    headers: { ...(body && { "Content-Type": "application/json" }), "X-CSRF-Token": csrf_token },
    body: body && JSON.stringify(body),
  });
  const members = await answer.json();
  if (!answer.ok) throw new Error(Object.values(members.errors ?? {}).flat().join(" ") || members.detail);
  return members;
}

async function answered() {
  const { attempt, options } = await ask("/me/reauthentication/options");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({ publicKey });
  return { passkey: { attempt, credential: credential.toJSON() } };
}

async function make(evidence) {
  const { id, options } = await ask("/me/second-factors/passkeys", evidence);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey });
  form.elements.id.value = id;
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.elements.password.disabled = true; // it was shown already
  form.submit();
}

async function enrol(evidence) {
  told.hidden = true;
  try {
    await make(await evidence());
  } catch (error) {
    told.textContent = error.name === "Error" ? error.message : place.dataset.failed;
    told.hidden = false;
    delete form.dataset.sent;
    form.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
  }
}

if (window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  place.hidden = false;
  document.querySelector("[data-unable]").hidden = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    enrol(() => ({ password: form.elements.password.value }));
  });
  form.querySelector("[data-by-passkey]")?.addEventListener("click", () => enrol(answered));
}
