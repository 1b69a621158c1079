// An import under way: its page brings itself up to date. Without scripts the browser asks again by itself.
const EVERY = 1500; // ms
const live = () => document.querySelector("[data-live]");

async function renew() {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.redirected) return location.reload(); // the session has ended
  const text = answer?.ok ? await answer.text() : "";
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
  if (fresh) live().replaceWith(document.adoptNode(fresh));
  again();
}

function again() {
  if (live()?.dataset.live === "running") setTimeout(renew, EVERY);
}

again();
