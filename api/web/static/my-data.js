// «Mes données», where scripts run: numbers are grouped, places proposed, and the page that waits renews itself.

const byId = (id) => document.getElementById(id);

// --- the AHV number: 756.1234.5678.97

const grouped = (digits) => [digits.slice(0, 3), digits.slice(3, 7), digits.slice(7, 11), digits.slice(11, 13)].filter(Boolean).join(".");
const digitsOf = (text) => text.replace(/\D/g, "");

// As EAN-13 reckons it: weights 1 and 3 in turn.
function fits(digits) {
  const sum = [...digits].reduce((sum, digit, place) => sum + Number(digit) * (place % 2 ? 3 : 1), 0);
  return sum % 10 === 0;
}

const number = byId("ahv_number");
const none = byId("ahv_number_missing");

function group() {
  if (/[^\d.\s]/.test(number.value)) return; // what is no number stays as it was typed
  const before = digitsOf(number.value.slice(0, number.selectionStart)).length;
  const digits = digitsOf(number.value);
  if (digits.length > 13) return;
  number.value = grouped(digits);
  let caret = 0;
  for (let passed = 0; passed < before; caret++) passed += /\d/.test(number.value[caret]);
  number.setSelectionRange(caret, caret);
}

function judgeNumber() {
  const digits = digitsOf(number.value);
  const mistyped = digits.length === 13 && !fits(digits);
  number.setCustomValidity(mistyped ? number.closest("[data-ahv]").dataset.checkDigit : "");
}

if (number) {
  let former = "";
  number.addEventListener("input", (event) => {
    if (!event.isComposing) group();
    if (number.value) {
      none.checked = false;
      number.required = true;
    }
    judgeNumber();
  }, true);
  none.addEventListener("change", () => {
    if (none.checked) former = number.value;
    number.value = none.checked ? "" : former;
    number.required = !none.checked;
    judgeNumber();
    number.dispatchEvent(new Event("blur"));
  });
}

// --- the date of birth: 31121980 and 31/12/1980 are 31.12.1980

const born = byId("birth_date");
born?.addEventListener("blur", () => {
  const found = /^\s*(?:(\d{1,2})[\s./,-]+(\d{1,2})[\s./,-]+(\d{4})|(\d{2})(\d{2})(\d{4}))\s*$/.exec(born.value);
  if (!found) return;
  const [day, month, year] = found.slice(1).filter(Boolean);
  born.value = `${day.padStart(2, "0")}.${month.padStart(2, "0")}.${year}`;
}, true);

// --- the postal code proposes its place

const postal = document.querySelector("[data-places]");

if (postal) {
  const [code, city, country] = ["postal_code", "city", "country"].map(byId);
  const told = postal.querySelector("[data-places-told]");
  const list = byId("cities");
  let proposed = "";
  let asked = "";

  async function propose() {
    const typed = code.value.trim();
    if (typed === asked || typed.length < 4) return;
    asked = typed;
    try {
      const answer = await fetch(`${postal.dataset.places}?${new URLSearchParams({ postal_code: typed })}`);
      if (!answer.ok || asked !== typed) return;
      const cities = (await answer.json()).items.map((each) => each.city);
      list.replaceChildren(...cities.map((each) => Object.assign(document.createElement("option"), { value: each })));
      const free = !city.value.trim() || city.value === proposed;
      if (cities.length && free && document.activeElement !== city) {
        city.value = proposed = cities[0];
        city.dispatchEvent(new Event("input"));
        told.textContent = `${cities.length > 1 ? postal.dataset.several : postal.dataset.proposed} ${cities.join(", ")}`;
      }
    } catch {
      // Whoever knows where they live needs no proposal.
    }
  }

  code.addEventListener("input", propose);
  code.addEventListener("change", propose);
  country.addEventListener("change", () => {
    code.inputMode = ["CH", "FR", "DE", "IT", "AT", "LI", "ES"].includes(country.value) ? "numeric" : "text";
  });
}

// --- the page that waits

const standing = document.querySelector("[data-standing]");
const PAUSES = [1, 1, 2, 3, 5, 8, 13, 20, 30, ...Array(20).fill(60)]; // seconds; then whoever looks again begins anew

async function renew() {
  const answer = await fetch(location.pathname, { redirect: "error", headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-standing]");
  if (!fresh || fresh.dataset.standing === standing.dataset.standing) return;
  standing.replaceChildren(...fresh.childNodes);
  standing.dataset.standing = fresh.dataset.standing;
  standing.toggleAttribute("data-open", fresh.hasAttribute("data-open"));
}

function watch(round = 0) {
  if (!standing.hasAttribute("data-open") || round >= PAUSES.length) return;
  setTimeout(async () => {
    if (!document.hidden) {
      try {
        await renew();
      } catch {
        // Offline for a moment, or signed out: the next look tells.
      }
    }
    watch(round + 1);
  }, PAUSES[round] * 1000);
}

if (standing) watch();
