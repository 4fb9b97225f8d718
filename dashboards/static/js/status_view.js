// Status first: is the data trustworthy, why not, and what is worst where since when.

import { byId, el, fill, setText } from "./dom.js";
import { ageOf, chip, valueText, wallAgeOf } from "./levels.js";
import { fullMoment, moment, number, percent, say, zoneName } from "./words.js";

const sum = (verdicts, start) => Object.entries(verdicts)
  .reduce((total, [label, count]) => total + (label.startsWith(start) ? count : 0), 0);

function facts(model) {
  const { health, status } = model;
  const now = model.now();
  const rows = [[say("fact.reporting"), say("fact.reporting.value", status)]];
  if (!health) return rows;
  const { broker, verdicts, sinks } = health;
  rows.push(
    [say("fact.oldest"), ageOf(health.clock.now_ms - health.oldest_s * 1000, now)],
    [say("fact.rate"), say("fact.rate.value", { rate: number(health.readings_per_s, 0) })],
    [say("fact.ingest"), [say(model.clock.moving ? "fact.runs" : "fact.stopped"), " ",
      wallAgeOf(health.at_ms, model.wall()), ` ${say("ago")}`]],
    [say("fact.broker"), say(broker.connected ? "fact.connected" : "fact.away")],
    [say("fact.refused"), number(sum(verdicts, "refused_"), 0)],
    [say("fact.held"), number(sum(verdicts, "held_"), 0)],
  );
  if (sinks.length) {
    rows.push([say("fact.sinks"), sinks.map((sink) => (
      `${sink.name} ${sink.error ? say("fact.sink.error") : say("fact.sink.ok")}`)).join(", ")]);
  }
  return rows;
}

function reason(row) {
  const link = row.place
    ? el("a", { href: `#/station/${row.place}`, "data-focus": row.code + row.place }, row.text)
    : row.text;
  return el("li", { class: row.grade }, link);
}

function worst(model, row) {
  const entry = model.indicators.get(row.indicator);
  const point = { value: row.value, level: row.level };
  const cause = row.cause
    ? say("worst.cause", { cause: causeName(model, entry, row.cause) }) : "";
  const since = say(row.since_at_least ? "worst.since_least" : "worst.since", {
    time: moment(row.since_ms, model.now()),
  });
  const unit = entry.unit ? ` ${entry.unit}` : "";
  const name = `${entry.name} ${valueText(entry, point)}${unit}`;
  return el("li", { class: row.over ? "over" : "" },
    chip(entry, point, "ok"),
    el("div", {},
      el("a", { href: `#/station/${row.place}/${row.indicator}`, "data-focus": row.indicator },
        model.placeName(row.place)),
      el("p", {}, `${name}${cause}, ${since} (`, ageOf(row.since_ms, model.now()), ")")));
}

export function causeName(model, entry, key) {
  const name = model.indicators.get(key)?.name ?? key;
  return name.replace(`${entry.name} of `, "");
}

export class StatusView {
  constructor() {
    this.said = "";
  }

  update(model) {
    const { status } = model;
    const trust = byId("trust");
    trust.dataset.trust = status.trust;
    setText(byId("trust-word"), say(`trust.${status.trust}`));
    fill(byId("why"), status.why.map(reason));
    fill(byId("facts"), facts(model).map(([name, content]) => (
      el("div", {}, el("dt", {}, name), el("dd", {}, content)))));
    const rows = status.worst_of.map((row) => worst(model, row));
    fill(byId("worst"), rows.length ? rows : el("li", {}, say("worst.none")));
    this.announce(status);
  }

  // A screen reader hears of a change of trust or of its reasons, not of every second.
  announce(status) {
    const codes = status.trust + status.why.filter((row) => row.grade !== "note")
      .map((row) => row.code).join();
    if (codes === this.said) return;
    this.said = codes;
    const why = status.why.filter((row) => row.grade !== "note").map((row) => row.text);
    byId("announce").textContent = [say(`trust.${status.trust}`), ...why].join(". ");
  }
}

export function updateClock(model, stream) {
  const now = model.now();
  setText(byId("clock"), `${fullMoment(now)} ${zoneName()}`);
  const state = byId("link-state");
  const live = model.clock.kind === "recorded" ? "recorded" : "live";
  const still = model.clock.past === null ? "stopped" : "past";
  const word = !stream.connected ? "lost" : model.clock.moving ? live : still;
  state.dataset.state = word;
  setText(state, say(`link.${word}`));
}

export function updateBanners(model, stream) {
  const rows = [];
  if (stream.problem) {
    rows.push(["bad", stream.problem === "unreachable" ? say("banner.unreachable")
      : say("banner.waiting", { why: stream.problem })]);
  } else if (!stream.connected) {
    rows.push(["bad", [say("banner.lost"), " ", el("span", { class: "quiet" },
      say("banner.lost_since", { s: Math.floor(stream.quietMs / 1000) }))]]);
  }
  if (model.clock.kind === "recorded") {
    rows.push(["recorded", say("banner.recorded", {
      time: fullMoment(model.clock.now_ms), zone: zoneName(),
    })]);
  }
  if (stream.connected && model.clock.past !== null) {
    rows.push(["past", say("banner.past", { done: percent(model.clock.past) })]);
  } else if (model.health && stream.connected && !model.clock.moving) {
    const at = wallAgeOf(model.health.at_ms, model.wall());
    rows.push(["bad", [say("banner.stopped"), " ", at, ` ${say("ago")}. `,
      say("banner.stopped_then")]]);
  }
  fill(byId("banners"), rows.map(([kind, text]) => (
    el("p", { class: `banner ${kind}`, role: kind === "bad" ? "alert" : null }, text))));
}
