// Every device: is it heard, how old is its data, what of it is flagged, how complete is it.

import { byId, el, fill, setText } from "./dom.js";
import { ageOf } from "./levels.js";
import { number, percent, say } from "./words.js";

const OVERDUE = 3; // periods without a reading, as `age` of the specification, 5.4
const ROWS_MAX = 500;
const COLUMNS = ["device", "state", "age", "period", "series", "flagged", "complete"];
const NUMERIC = new Set(["age", "period", "series", "flagged", "complete"]);
const ORDER = { silent: 0, late: 1, flagged: 2, ok: 3, gone: 4 };

// One row a device: its series together.
export function devices(model) {
  const found = new Map();
  for (const [path, readings] of model.readings) {
    for (const reading of readings.values()) {
      const name = `${path} ${reading.device}`;
      const row = found.get(name) ?? {
        path, device: reading.device, time: 0, period: 0, series: 0, flagged: 0,
      };
      row.time = Math.max(row.time, reading.time);
      row.period = Math.max(row.period, reading.period);
      row.series += 1;
      row.flagged += reading.flag === 3 || reading.flag === 4 ? 1 : 0;
      found.set(name, row);
    }
  }
  for (const row of found.values()) {
    const point = model.current(row.path, "dq.completeness");
    row.complete = point && point.level >= 0 && !model.isStale(point) ? point.value / 100 : null;
    row.state = state(model, row);
  }
  return [...found.values()].sort((a, b) => (
    ORDER[a.state] - ORDER[b.state] || a.time - b.time || a.device.localeCompare(b.device)));
}

// Without a period the device is owed nothing: it was retired or stands elsewhere.
function state(model, row) {
  if (!row.period) return "gone";
  if (model.isSilent(row.path)) return "silent";
  if (model.now() - row.time > OVERDUE * row.period * 1000 + 2000) return "late";
  return row.flagged ? "flagged" : "ok";
}

// A cell that says its column where there is no room for a head.
function numeric(name, content) {
  return el("td", { class: "num", "data-name": say(`sensors.${name}`) }, content);
}

export class SensorsView {
  constructor() {
    this.shown = false;
    this.asked = "";
  }

  open(model) {
    this.shown = true;
    setText(byId("panel-title"), say("sensors.title"));
    const input = el("input", { type: "search", id: "sensors-filter", autocomplete: "off" });
    input.value = this.asked;
    input.addEventListener("input", () => {
      this.asked = input.value;
      this.update(model);
    });
    const heads = COLUMNS.map((name) => el("th", {
      scope: "col", class: NUMERIC.has(name) ? "num" : "",
    }, say(`sensors.${name}`)));
    fill(byId("panel-body"), el("p", { class: "note" }, say("sensors.about")),
      el("p", { id: "sensors-count" }),
      el("label", {}, say("sensors.filter"), " ", input),
      el("div", { class: "scroll-x" }, el("table", { class: "wide stacked named" },
        el("thead", {}, el("tr", {}, heads)), el("tbody", { id: "sensors-rows" }))));
    this.update(model);
    byId("panel-title").focus({ preventScroll: true });
  }

  close() {
    this.shown = false;
  }

  update(model) {
    if (!this.shown) return;
    const all = devices(model);
    const asked = this.asked.trim().toLowerCase();
    const rows = all.filter((row) => `${row.path} ${row.device}`.toLowerCase().includes(asked));
    const count = (wanted) => all.filter((row) => row.state === wanted).length;
    setText(byId("sensors-count"), say("sensors.count", {
      all: all.length - count("gone"), silent: count("silent"), late: count("late"), flagged: count("flagged"),
    }));
    fill(byId("sensors-rows"), rows.slice(0, ROWS_MAX).map((row) => this.line(model, row)));
  }

  line(model, row) {
    return el("tr", {},
      el("th", { scope: "row" }, el("a", {
        href: `#/station/${row.path}`, "data-focus": `${row.path} ${row.device}`,
      }, row.device), el("span", { class: "note block-line" }, model.placeName(row.path))),
      el("td", {}, el("span", { class: `sensor ${row.state}` }, say(`sensors.state.${row.state}`))),
      numeric("age", ageOf(row.time, model.now())),
      numeric("period", row.period
        ? say("sensors.seconds", { n: number(row.period, 0) }) : "–"),
      numeric("series", number(row.series, 0)), numeric("flagged", number(row.flagged, 0)),
      numeric("complete", row.complete === null ? "–" : percent(row.complete)));
  }
}
