// Keys for whoever decides all day: each element names its own in `aria-keyshortcuts`. Everything works without.
const OFF = "matricule-keys-off";
const TYPED = "input:not([type=radio], [type=checkbox], [type=submit], [type=button]), select, textarea, [contenteditable]";

const keyed = new Map();
for (const element of document.querySelectorAll("[aria-keyshortcuts]")) {
  for (const key of element.getAttribute("aria-keyshortcuts").split(" ")) keyed.set(key.toLowerCase(), element);
}
const rows = [...document.querySelectorAll("[data-row] th a")];

function isOff() {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return false;
  }
}

function act(element) {
  if (element.matches("button[data-asks]")) {
    // What is not certain wants a reason first.
    const reason = document.getElementById(element.dataset.asks);
    const chosen = document.querySelector("input[name=record_number]:checked");
    if (!reason.value && !chosen?.matches("[data-certain]")) return reason.focus();
  }
  if (element.matches("a, button, summary")) return element.click();
  element.focus();
  if (element.type === "radio") element.checked = true;
}

function step(by) {
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus();
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.(TYPED)) return event.target.blur();
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isOff()) return;
  if (event.target.matches?.(TYPED)) return;
  const key = event.key.toLowerCase();
  if (keyed.has(key)) {
    event.preventDefault();
    act(keyed.get(key));
  } else if (rows.length && "jnkp".includes(key)) {
    event.preventDefault();
    step("jn".includes(key) ? 1 : -1);
  }
});

// The panel that lists them, and the switch.
const panel = document.querySelector("[data-keys]");
function show() {
  const off = isOff();
  for (const hint of document.querySelectorAll("[data-key]")) hint.hidden = off;
  const button = panel.querySelector("[data-keys-switch]");
  button.textContent = off ? button.dataset.on : button.dataset.off;
}
if (panel) {
  panel.hidden = false;
  panel.querySelector("[data-keys-switch]").addEventListener("click", () => {
    try {
      isOff() ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "yes");
    } catch {
      // Where nothing is kept, they stay on.
    }
    show();
  });
  show();
}
