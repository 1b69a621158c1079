// What makes the pages better where scripts run. Everything works without.

// Errors as one leaves a field: only what the server would say too, in the words that the page brought.
function judge(input) {
  if (!input.value.trim()) return input.required ? input.dataset.missing : "";
  if (input.validity.customError) return input.validationMessage; // a page's own script knows more of its fields
  return input.validity.typeMismatch || input.validity.patternMismatch ? input.dataset.invalid : "";
}

function tell(input, message) {
  const field = input.closest("[data-field]");
  const id = `${input.id}-fault`;
  let place = document.getElementById(id);
  field.classList.toggle("has-fault", Boolean(message));
  if (!message) {
    place?.remove();
    input.removeAttribute("aria-invalid");
  } else {
    if (!place) {
      place = Object.assign(document.createElement("p"), { id, className: "fault" });
      (input.closest("[data-secret]") ?? input).before(place);
    }
    place.textContent = message;
    input.setAttribute("aria-invalid", "true");
  }
  const others = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== id);
  const described = [...others, ...(message ? [id] : [])].join(" ");
  described ? input.setAttribute("aria-describedby", described) : input.removeAttribute("aria-describedby");
}

for (const input of document.querySelectorAll("[data-missing], [data-invalid]")) {
  let touched = false;
  input.addEventListener("input", () => {
    touched = true;
    if (input.getAttribute("aria-invalid") && !judge(input)) tell(input, "");
  });
  input.addEventListener("blur", () => {
    if (touched) tell(input, judge(input));
  });
}

// A password that can be read.
for (const place of document.querySelectorAll("[data-secret]")) {
  const input = place.querySelector("input");
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: place.dataset.show });
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.textContent = shown ? place.dataset.hide : place.dataset.show;
  });
  place.append(button);
  input.form?.addEventListener("submit", () => (input.type = "password"));
}

// A form is sent once. Whoever comes back to the page may send it again.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-disabled", "true");
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
  }
});

// The menu of the account closes like a menu.
const menu = document.querySelector("details.account");
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && menu?.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false;
});

// What went wrong is read first.
document.querySelector("[data-summary]")?.focus();
