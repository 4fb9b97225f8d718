// How a level looks: its colour, an ink that can be read on it, its number and its word.

import { el, setText } from "./dom.js";
import { age, moment, number, percent, say } from "./words.js";

export function ink(colour) {
  const parts = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  return light > 0.179 ? "#000000" : "#ffffff";
}

export function paint(node, colour) {
  node.style.setProperty("--level", colour);
  node.style.setProperty("--ink", ink(colour));
  return node;
}

// What stands in a mark: the number that the standard itself gives the level (European AQI 1 to 6,
// UK DAQI 1 to 10, levels of service 1 to 6), so that it is that of the value beside it; else ours, 0 best.
export function numberOf(entry, level) {
  const own = entry.digits === 0 && entry.levels.length > 2
    && entry.levels.every(({ upper }, i) => (upper ?? i + 1) === i + 1);
  return String(own ? level + 1 : level);
}

// Round mark with the level's number; "?" where there is no number to act on.
export function mark(entry, point, standing) {
  if (standing !== "ok") return el("span", { class: "mark unknown", "aria-hidden": "true" }, "?");
  const level = entry.levels[point.level];
  const text = entry.levels.length > 1 ? numberOf(entry, point.level) : "•";
  return paint(el("span", { class: "mark", "aria-hidden": "true" }, text), level.colour);
}

// Mark and word: what the standard calls it, or why there is no number.
export function chip(entry, point, standing) {
  const word = standing === "ok" ? entry.levels[point.level].word : say(`standing.${standing}`);
  return el("span", { class: "chip" }, mark(entry, point, standing), el("span", {}, word));
}

const isTime = (entry) => entry.unit === "unix s";

export function valueText(entry, point) {
  if (isTime(entry)) return moment(point.value * 1000, Date.now());
  return number(point.value, entry.digits);
}

// Value with unit, or a dash where the standard allows no number.
export function value(entry, point, standing) {
  if (!point || point.level < 0) return el("span", { class: "value missing" }, "–");
  const unit = entry.unit && !isTime(entry) ? el("span", { class: "unit" }, ` ${entry.unit}`) : null;
  const old = standing === "ok" ? "" : " old";
  return el("span", { class: `value${old}` }, valueText(entry, point), unit);
}

// The value as a link to how it came about; without a point there is nothing to explain.
export function explained(entry, point, standing) {
  const shown = value(entry, point, standing);
  if (!point) return shown;
  return el("a", {
    class: "explain", href: `#/explain/${point.path}/${entry.key}/${point.end}`,
    title: say("explain.link"), "data-focus": `explain ${point.path} ${entry.key}`,
  }, shown, el("span", { class: "hidden-text" }, ` ${say("explain.link")}`));
}

// An age that grows each second by itself, see `tickAges`.
export function ageOf(ms, now) {
  return el("span", { class: "age", "data-at": Math.round(ms) }, age(now - ms));
}

// The same for an instant of the wall clock, which a recording does not share.
export function wallAgeOf(ms, wall) {
  return el("span", { class: "age", "data-wall": Math.round(ms) }, age(wall - ms));
}

export function tickAges(now, wall) {
  for (const node of document.querySelectorAll(".age")) {
    const { at, wall: wallAt } = node.dataset;
    setText(node, age(at === undefined ? wall - Number(wallAt) : now - Number(at)));
  }
}

// "open window until 21:00, known 3 s ago" or "window ended 20:00, 12 min ago".
export function windowWords(model, point) {
  const at = model.at(point);
  const key = point.state === 0 ? "window.open" : "window.closed";
  return [say(key, { end: moment(point.end, model.now()) }), " ",
    ageOf(at, model.now()), ` ${say("ago")}`];
}

export const coverageWords = (point) => say("coverage", { share: percent(point.cov) });
