// How a number came about: the panel that a click on it opens. All of it from /api/explain.

import { byId, el, fill, setText } from "./dom.js";
import { mark } from "./levels.js";
import { fullMoment, number, percent, say } from "./words.js";

const LISTED = 24;
const STATES = {
  open: "explain.state.open", closed: "explain.state.closed", final: "explain.state.final",
};

// A number, a list or a table of numbers as one short text.
function words(value) {
  if (value === null || value === undefined) return say("explain.none");
  if (typeof value === "number") return String(Number(value.toPrecision(10)));
  if (Array.isArray(value)) {
    const more = value.length - LISTED;
    const shown = value.slice(0, LISTED).map(words).join(", ");
    return more > 0 ? `${shown} ${say("explain.more", { n: more })}` : shown;
  }
  if (typeof value === "object") {
    return Object.entries(value).map(([name, part]) => `${name}: ${words(part)}`).join(", ");
  }
  return String(value);
}

function numbers(values) {
  return el("dl", { class: "numbers" }, Object.entries(values).flatMap(([name, value]) => [
    el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, words(value))]));
}

function table(caption, heads, rows) {
  return el("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: "hidden-text" }, caption),
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell)))))));
}

function result(answer, entry) {
  const found = answer.result;
  const good = found && found.value !== null;
  const point = { level: good ? found.level : -1, value: good ? found.value : null };
  const time = answer.unit === "unix s";
  const shown = good && (time ? fullMoment(found.value * 1000)
    : number(found.value, answer.digits));
  const unit = good && answer.unit !== "1" && !time ? ` ${answer.unit}` : "";
  const same = { true: "explain.equal", false: "explain.unequal", null: "explain.unstored" };
  return [
    el("p", { class: "big" }, el("span", { class: good ? "value" : "value missing" },
      good ? shown + unit : "–"), " ",
    el("span", { class: "chip" }, mark(entry, point, good ? "ok" : "insufficient"),
      el("span", {}, good ? found.word : say("standing.insufficient")))),
    el("p", { id: "explain-equal", class: answer.equal === false ? "bad-word" : "note" },
      say(same[String(answer.equal)])),
  ];
}

function standard(answer) {
  const { name, clause, rule, url, unconfirmed } = answer.standard;
  return [el("h3", {}, say("explain.standard")),
    el("p", { id: "explain-standard" }, url
      ? el("a", { href: url, rel: "noreferrer", target: "_blank" }, name) : name, `; ${clause}`),
    el("p", {}, rule),
    unconfirmed.map((text) => el("p", { class: "note" }, say("panel.mark", { text })))];
}

function steps(answer) {
  return [el("h3", {}, say("explain.steps")),
    el("ol", { id: "explain-steps" }, answer.steps.map((step) => el("li", {},
      el("p", { class: "kind" }, step.name), el("p", {}, step.formula),
      el("p", { class: "part" }, say("explain.given")), numbers(step.given),
      el("p", { class: "part" }, say("explain.found")), numbers(step.found),
      step.clause ? el("p", { class: "note" }, step.clause) : null)))];
}

function readings(row) {
  const title = say("explain.series", {
    quantity: row.quantity, device: row.device, n: row.count, late: row.late,
    suspect: row.suspect,
  });
  const rows = (row.readings ?? []).slice(-LISTED).reverse().map((reading) => [
    fullMoment(reading[0]), `${words(reading[1])} ${row.unit}`, say(`flag.${reading[2]}`),
    reading[3].replaceAll("_", " ")]);
  const heads = ["time", "value", "flag", "verdict"].map((head) => say(`explain.${head}`));
  const dated = row.rows.map((place) => el("p", { class: "note" }, say("explain.row", {
    place: place.key, since: fullMoment(place.valid_from_ms), period: place.period_s,
    status: place.status,
  }), place.note ? `: ${place.note}` : ""));
  const id = `explain ${row.device} ${row.quantity} ${row.channel ?? ""}`;
  return el("details", { id }, el("summary", {}, title), dated,
    rows.length ? table(title, heads, rows) : el("p", { class: "note" }, say("explain.nothing")));
}

function members(answer) {
  if (!answer.members) return [];
  const heads = ["place", "value", "weight", "share"].map((head) => say(`explain.${head}`));
  const rows = answer.members.map((row) => [
    el("a", { href: `#/explain/${row.place}/${answer.indicator}/${answer.window.end_ms}` },
      row.place), words(row.value), words(row.weight), percent(row.cov ?? 0)]);
  const title = say("explain.members", { n: rows.length });
  return [el("h3", {}, title), table(title, heads, rows)];
}

function leftOut(answer) {
  const rows = answer.left_out.map((row) => el("li", {}, say("explain.left", {
    n: row.count, device: row.device, quantity: row.quantity ?? say("explain.unnamed"),
    words: row.words,
  })));
  return [el("h3", {}, say("explain.left_out")), rows.length
    ? el("ul", { id: "explain-left" }, rows)
    : el("p", { id: "explain-left", class: "note" }, say("explain.nothing"))];
}

function revisions(answer) {
  if (!answer.revisions.length) return [];
  return [el("h3", {}, say("explain.revisions")),
    el("ul", {}, answer.revisions.map((row) => el("li", {}, say("explain.revision", {
      rev: row.rev, time: fullMoment(row.known_ms), before: words(row.old_value),
      after: words(row.value), cause: row.cause,
    }))))];
}

export class ExplainView {
  constructor() {
    this.path = "";
  }

  async open(model, path, key, end) {
    const entry = model.indicators.get(key);
    if (!entry) return;
    const asked = `${path} ${key} ${end}`;
    if (this.path === path && this.asked === asked) return; // of a reload: a window that is told
    this.path = path;
    this.asked = asked;
    const panel = byId("panel");
    panel.hidden = false;
    document.body.classList.add("with-panel");
    setText(byId("panel-title"), say("explain.title", {
      name: entry.name, place: model.placeName(path) }));
    const back = el("a", { href: `#/station/${path}/${key}` }, say("explain.back", {
      place: model.placeName(path) }));
    fill(byId("panel-body"), back, el("p", { role: "status" }, say("explain.working")));
    panel.scrollTop = 0;
    byId("panel-title").focus({ preventScroll: true });
    const parts = await this.parts(entry, path, key, end);
    if (this.asked === asked && this.path) fill(byId("panel-body"), back, parts);
  }

  async parts(entry, path, key, end) {
    const query = new URLSearchParams({ place: path, indicator: key });
    if (end) query.set("time", end);
    try {
      const response = await fetch(`/api/explain?${query}`);
      const answer = await response.json();
      if (!response.ok) return [el("p", { class: "bad-word" }, answer.error)];
      return this.answer(entry, answer);
    } catch {
      return [el("p", { class: "bad-word" }, say("explain.failed"))];
    }
  }

  answer(entry, answer) {
    const { window, coverage, station } = answer;
    return [...result(answer, entry),
      el("p", {}, say("explain.window", {
        start: fullMoment(window.start_ms), end: fullMoment(window.end_ms), zone: window.zone,
        state: say(STATES[answer.state]), rev: answer.rev ?? 0,
      })),
      station ? el("p", { id: "explain-station" }, say("explain.station", {
        name: station.name, lat: station.lat.toFixed(5), lon: station.lon.toFixed(5),
      })) : [],
      el("p", {}, say("explain.coverage", {
        had: words(Number(coverage.had.toFixed(2))), owed: words(coverage.owed), of: coverage.of,
        share: percent(coverage.share), rule: coverage.rule,
      })),
      answer.notes.map((note) => el("p", { class: "note" }, note)),
      ...standard(answer), ...steps(answer), ...members(answer),
      ...(answer.inputs.length ? [el("h3", {}, say("explain.readings")),
        ...answer.inputs.map(readings)] : []),
      ...leftOut(answer), ...revisions(answer)].flat();
  }

  close() {
    this.path = "";
  }
}
