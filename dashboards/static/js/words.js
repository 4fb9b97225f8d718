// The page's words, from one language file; numbers, times and ages in that language.

let texts = {};
let zone = "UTC";

export async function loadWords(language) {
  const answer = await fetch(`/static/texts/${language}.json`);
  texts = await answer.json();
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = say(node.dataset.text);
  }
}

export function say(key, fills = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => fills[name] ?? whole);
}

// What the file has no word for reads as its own name: the domain of a city's own indicator.
export function sayOr(key, name) {
  return texts[key] ?? name.charAt(0).toUpperCase() + name.slice(1);
}

export function setZone(name) {
  zone = name || "UTC";
}

export const zoneName = () => zone;

export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return say("age.s", { s: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return say("age.min", { min: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) {
    return say("age.h", { h: hours, min: String(minutes % 60).padStart(2, "0") });
  }
  return say("age.d", { d: Math.floor(hours / 24), h: hours % 24 });
}

const lang = () => document.documentElement.lang;

export function number(value, digits) {
  return value.toLocaleString(lang(), {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
}

export const percent = (share) => `${number(share * 100, 0)}\u00a0%`;

// "20:05" today, "21 Nov 20:05" on another day, in the city's zone.
export function moment(ms, nowMs) {
  const day = (at) => new Date(at).toLocaleDateString(lang(), { timeZone: zone });
  const time = new Date(ms).toLocaleTimeString(lang(), {
    timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  if (day(ms) === day(nowMs)) return time;
  const date = new Date(ms).toLocaleDateString("en-GB", {
    timeZone: zone, day: "numeric", month: "short",
    year: Math.abs(nowMs - ms) > 300 * 86_400_000 ? "numeric" : undefined,
  });
  return `${date} ${time}`;
}

export function fullMoment(ms) {
  return new Date(ms).toLocaleString("en-GB", {
    timeZone: zone, dateStyle: "medium", timeStyle: "medium",
  });
}

export function bytes(count) {
  if (count < 1e6) return `${number(count / 1e3, 0)} kB`;
  return count < 1e9 ? `${number(count / 1e6, 1)} MB` : `${number(count / 1e9, 2)} GB`;
}
