// What ingest says of itself: verdicts with words, held devices, dead letters, sinks, archive.

import { byId, el, fill } from "./dom.js";
import { ageOf, wallAgeOf } from "./levels.js";
import { bytes, fullMoment, number, say } from "./words.js";

function table(caption, names, rows, empty) {
  if (!rows.length) return el("p", {}, empty);
  const heads = names.map(([name, kind]) => (
    el("th", { scope: "col", class: kind }, say(`health.${name}`))));
  const lines = rows.map((cells) => el("tr", {}, cells.map((cell, i) => (
    el(i ? "td" : "th", { class: names[i][1], scope: i ? null : "row" }, cell)))));
  return el("div", { class: "scroll-x" }, el("table", {},
    el("caption", { class: "hidden-text" }, caption),
    el("thead", {}, el("tr", {}, heads)), el("tbody", {}, lines)));
}

// A text with `code` in it.
const coded = (text) => text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));

function block(name, ...content) {
  return el("section", { class: `block ${name}`, "aria-label": say(`health.${name}`) },
    el("h3", {}, say(`health.${name}`)), ...content);
}

function verdicts(model, counts) {
  const rows = Object.entries(counts).filter(([, count]) => count > 0)
    .map(([label, count]) => [label, number(count, 0), coded(model.verdictWords[label] ?? "")]);
  return block("verdicts", table(say("health.verdicts"),
    [["verdict", ""], ["count", "num"], ["meaning", ""]], rows, say("health.no_readings")));
}

function held(rows, now) {
  const lines = rows.map((row) => [row.device, el("code", {}, row.command),
    number(row.readings, 0), ageOf(row.last_ms, now), el("code", {}, row.sample)]);
  return block("held", rows.length ? el("p", {}, say("health.held_how")) : null,
    table(say("health.held"), [["device", ""], ["command", ""], ["count", "num"],
      ["last", "num"], ["sample", ""]], lines, say("health.no_held")));
}

const TRUST = {
  sure: "health.trust.sure", fair: "health.trust.fair", unsure: "health.trust.unsure",
  unset: "health.trust.unset",
};

// Clocks that are not set or off, with what waits for its time.
function clocks(told) {
  const waiting = new Map((told?.waiting ?? []).map((row) => [row.device, row]));
  const lines = (told?.worst ?? [])
    .filter((row) => row.trust === "unset" || row.ahead_s > 2 || row.ahead_s < -60)
    .map((row) => [row.device,
      row.trust === "unset" ? "–" : say("health.seconds", { n: number(row.ahead_s, 1) }),
      say(TRUST[row.trust]), number(row.placed, 0),
      waiting.has(row.device) ? number(waiting.get(row.device).readings, 0) : "–"]);
  return block("clocks", table(say("health.clocks"), [["device", ""], ["ahead", "num"],
    ["trust", ""], ["placed", "num"], ["waiting", "num"]], lines, say("health.no_clocks")));
}

function deadLetters(rows) {
  const lines = rows.map((row) => [fullMoment(row.at_ms), row.reason, row.topic,
    number(row.bytes, 0), el("code", {}, row.text)]);
  return block("dead", table(say("health.dead"), [["time", ""], ["reason", ""], ["topic", ""],
    ["bytes", "num"], ["text", ""]], lines, say("health.no_dead")));
}

function sinks(rows, wall) {
  const lines = rows.map((row) => [row.name, row.error || say("fact.sink.ok"),
    number(row.queued, 0), bytes(row.bytes), number(row.written, 0), number(row.dead, 0),
    row.ok_ms ? wallAgeOf(row.ok_ms, wall) : "–"]);
  return block("sinks", table(say("health.sinks"), [["sink", ""], ["state", ""],
    ["queued", "num"], ["spool", "num"], ["written", "num"], ["dead_points", "num"],
    ["last_ok", "num"]], lines, say("health.no_sinks")));
}

function program(health, wall) {
  const { archive, broker } = health;
  const rows = [
    [say("health.received"), number(health.received, 0)],
    [say("health.points"), number(health.points, 0)],
    [say("health.queue"), number(health.queue, 0)],
    [say("health.broker"), broker.url],
    [say("health.archive"), say("health.archive_value", {
      size: bytes(archive.bytes), n: archive.segments,
    })],
    [say("health.synced"), wallAgeOf(archive.synced_ms, wall)],
    [say("health.memory"), say("health.mb", { n: number(health.rss_mb, 0) })],
    [say("health.started"), fullMoment(health.started_ms)],
  ];
  return block("program", el("dl", {}, rows.map(([name, content]) => (
    el("div", {}, el("dt", {}, name), el("dd", {}, content))))));
}

export function updateHealth(model) {
  const { health } = model;
  if (!health) {
    fill(byId("health-body"), el("p", {}, say("why.no_health")));
    return;
  }
  const wall = model.wall();
  fill(byId("health-body"), verdicts(model, health.verdicts), program(health, wall),
    held(health.held, model.now()), clocks(health.clocks), sinks(health.sinks, wall),
    deadLetters(health.dead_letters));
}
