// The auditor's pages: copying what is compared, and a slider that goes from one event of an account to the next.

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = button.dataset.copied;
});

function offerCopies() {
  if (!navigator.clipboard) return;
  document.querySelectorAll("[data-copy]").forEach((button) => (button.hidden = false));
}

const links = () => [...document.querySelectorAll("[data-places] a")];
const said = (link) => link.textContent.trim().replace(/\s+/g, " ");

// The part of the page that tells of one moment is exchanged; the slider, and with it the focus, stays.
let latest = 0;
async function goTo(link) {
  const asked = ++latest;
  const places = ["[data-standing]", ".walk-steps"];
  document.querySelector(places[0]).setAttribute("aria-busy", "true");
  const answer = await fetch(link.href);
  if (!answer.ok || !answer.headers.get("Content-Type").startsWith("text/html")) return location.assign(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (asked !== latest) return; // she has gone on meanwhile
  const scrolled = document.querySelector("[data-places]").scrollTop;
  for (const place of places) document.querySelector(place).replaceWith(page.querySelector(place));
  document.querySelector("[data-places]").scrollTop = scrolled;
  history.replaceState(null, "", link.href);
  document.querySelector("[data-walked]").textContent = said(link);
  keepInSight();
  offerCopies();
}

function keepInSight() {
  const list = document.querySelector("[data-places]");
  const current = list?.querySelector("[aria-current]");
  if (!current) return;
  const [outer, inner] = [list.getBoundingClientRect(), current.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) list.scrollTop += inner.top - outer.top - outer.height / 2;
}

const range = document.querySelector("[data-range]");
if (range) {
  range.closest("[hidden]").hidden = false;
  const tell = () => range.setAttribute("aria-valuetext", said(links()[range.value - 1]));
  tell();
  range.addEventListener("input", tell);
  range.addEventListener("change", () => goTo(links()[range.value - 1]));
  keepInSight();
}
offerCopies();
