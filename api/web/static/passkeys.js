// Signing in by passkey: the button is there where the browser knows how.
const button = document.querySelector("[data-passkey]");

async function ask(path, body) {
  const answer = await fetch(`/api/v1${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const members = await answer.json();
  if (!answer.ok) throw new Error(members.detail);
  return members;
}

async function enter() {
  const { attempt, options } = await ask("/session/passkey/options");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({ publicKey });
  await ask("/session/passkey", { attempt, credential: credential.toJSON() });
  location.assign(`/${location.search}`);
}

// Passkeys belong to a name: at an address in numbers no browser has any.
const named = !/^[\d.]+$|:/.test(location.hostname);

if (button && named && window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  const told = document.querySelector("[data-passkey-told]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    told.hidden = true;
    try {
      await enter();
    } catch (error) {
      told.textContent = error.name === "Error" ? error.message : button.dataset.failed;
      told.hidden = false;
    }
  });
}
