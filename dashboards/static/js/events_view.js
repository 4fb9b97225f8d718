// What happened, newest first: interruptions and other reports of devices, and restatements.

import { byId, el, fill, setText } from "./dom.js";
import { fullMoment, say } from "./words.js";

const NAMES = ["time", "path", "kind", "key", "severity", "title", "text"];

async function getEvents(path, before) {
  const query = new URLSearchParams({ place: path });
  if (before !== null) query.set("before", before);
  try {
    const answer = await fetch(`/api/events?${query}`);
    if (!answer.ok) return null;
    const body = await answer.json();
    const rows = body.events.map((row) => (
      Object.fromEntries(NAMES.map((name, i) => [name, row[i]]))));
    return { rows, before: body.before_ms };
  } catch {
    return null;
  }
}

// Times that an event tells of are in UTC; the reader's clock is the city's.
const local = (text) => text.replaceAll(
  /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, (time) => fullMoment(Date.parse(time)));

export function eventRow(model, event) {
  const entry = model.indicators.get(event.key);
  const href = entry ? `#/station/${event.path}/${event.key}` : `#/station/${event.path}`;
  const place = model.knows(event.path)
    ? el("a", { href, "data-focus": `${event.time} ${event.path} ${event.key}` },
      model.placeName(event.path))
    : event.path;
  return el("tr", {},
    el("th", { scope: "row", class: "when" }, fullMoment(event.time)),
    el("td", {}, place),
    el("td", {}, el("span", { class: `severity ${event.severity}` },
      say(`event.${event.severity}`)), ` ${event.kind}`),
    el("td", {}, el("strong", {}, event.title),
      entry && !event.title.startsWith(entry.name) ? ` (${entry.name})` : "",
      el("span", { class: "note block-line" }, local(event.text))));
}

export class EventsView {
  constructor() {
    this.path = "";
  }

  async open(model, path) {
    this.path = path;
    setText(byId("panel-title"), say("events.title", { place: model.placeName(path) }));
    const heads = ["time", "place", "kind", "what"].map((name) => (
      el("th", { scope: "col" }, say(`events.${name}`))));
    this.body = el("tbody", { id: "events-rows" });
    this.more = el("button", { type: "button", onclick: () => this.load(model) },
      say("events.more"));
    this.note = el("p", { class: "note", id: "events-note" }, say("events.working"));
    fill(byId("panel-body"), el("p", { class: "note" }, say("events.about")),
      el("div", { class: "scroll-x" }, el("table", { class: "wide stacked" },
        el("thead", {}, el("tr", {}, heads)), this.body)), this.note, this.more);
    this.before = null;
    this.more.hidden = true;
    byId("panel-title").focus({ preventScroll: true });
    await this.load(model);
  }

  close() {
    this.path = "";
  }

  async load(model) {
    const path = this.path;
    const found = await getEvents(path, this.before);
    if (path !== this.path) return;
    if (!found) {
      setText(this.note, say("events.failed"));
      return;
    }
    this.body.append(...found.rows.map((event) => eventRow(model, event)));
    this.before = found.before;
    this.more.hidden = found.before === null;
    setText(this.note, this.body.rows.length ? say("events.count", { n: this.body.rows.length })
      : say("events.none"));
  }
}
