// How strong a new password is, and why: a hint while one types. What counts is what the server says.
const meter = document.querySelector("[data-meter]");
const input = document.querySelector("#new_password");
const [level, advice] = meter.querySelectorAll("[role=status] > *");
const words = JSON.parse(meter.dataset.words);
const least = Number(meter.dataset.least);

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const own = plain(meter.dataset.own).split(/[^\p{L}\p{N}]+/u).filter((part) => part.length >= 4);
const ROWS = ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertzuiop", "qwertyuiop", "asdfghjkl", "azertyuiop", "yxcvbnm", "wxcvbn"];
const COMMON = /passw|motdepasse|kennwort|passe?wor|secret|bonjour|hallo|soleil|sommer|azerty|qwert|admin|welcome|letmein|iloveyou|jetaime|123456/;

function holdsSequence(text) {
  const lines = ROWS.flatMap((row) => [row, [...row].reverse().join("")]);
  for (let start = 0; start + 4 <= text.length; start++) {
    const part = text.slice(start, start + 4);
    if (lines.some((line) => line.includes(part))) return true;
  }
  return false;
}

// Whether some part of it makes up much of it again.
function repeats(text) {
  return /(.)\1{3,}/u.test(text) || /(.{2,})\1{2,}/u.test(text) || new Set(text).size < Math.min(6, text.length / 2);
}

function judge(typed) {
  const text = plain(typed);
  const joined = text.replace(/[^\p{L}\p{N}]/gu, "");
  const length = [...typed.normalize("NFC")].length;
  if (!length) return [0, words.empty, ""];
  if (length < least) return [1, words.short, words.more.replace("{count}", least - length)];
  if (own.some((part) => joined.includes(part))) return [2, words.weak, words.own];
  if (repeats(joined)) return [2, words.weak, words.repeats];
  if (holdsSequence(joined)) return [2, words.weak, words.sequence];
  if (COMMON.test(joined) && length < 24) return [2, words.weak, words.common];
  return length < Math.max(20, least + 4) ? [3, words.good, words.longer] : [4, words.strong, words.fine];
}

let waiting;
function show() {
  const [found, called, why] = judge(input.value);
  meter.dataset.level = found;
  // Said when one pauses, so that nobody is read a sentence at each key.
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    level.textContent = `${words.label}\u00a0: ${called}.`;
    advice.textContent = why;
  }, 300);
}

meter.hidden = false;
show();
input.addEventListener("input", show);
