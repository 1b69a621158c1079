// «Mon profil»: a passkey in the password's place, recovery codes on paper, a download that leaves the page as it is.

async function ask(path, body, csrf) {
  const answer = await fetch(`/api/v1${path}`, {
    method: body === undefined && !csrf ? "GET" : "POST",
    headers: { ...(body && { "Content-Type": "application/json" }), ...(csrf && { "X-CSRF-Token": csrf }) },
    body: body && JSON.stringify(body),
  });
  const members = await answer.json();
  if (!answer.ok) throw new Error(members.detail);
  return members;
}

async function answered() {
  const { csrf_token } = await ask("/session");
  const { attempt, options } = await ask("/me/reauthentication/options", undefined, csrf_token);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({ publicKey });
  return { attempt, credential: credential.toJSON() };
}

for (const place of document.querySelectorAll("[data-reauthenticate]")) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) continue;
  const [held, button, told] = ["input", "button", "[role=alert]"].map((each) => place.querySelector(each));
  place.hidden = false;
  button.addEventListener("click", async () => {
    told.hidden = true;
    try {
      held.value = JSON.stringify(await answered());
      held.disabled = false;
      held.form.requestSubmit();
    } catch (error) {
      told.textContent = error.name === "Error" ? error.message : place.dataset.failed;
      told.hidden = false;
    }
  });
}

const tools = document.querySelector("[data-tools]");
if (tools) {
  tools.hidden = false;
  tools.querySelector("[data-print]").addEventListener("click", () => print());
  const copy = tools.querySelector("[data-copy]");
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    const codes = [...document.querySelectorAll("[data-codes] code")].map((each) => each.textContent);
    await navigator.clipboard.writeText(codes.join("\n"));
    copy.textContent = copy.dataset.copied;
  });
}

// The answer is a file: the page stays, and its form may be sent again.
for (const form of document.querySelectorAll("[data-stays] form")) {
  form.addEventListener("submit", () =>
    setTimeout(() => {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
      form.querySelectorAll("input[type=password]").forEach((input) => (input.value = ""));
    }, 2000),
  );
}
