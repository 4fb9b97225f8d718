// The panel of one station or area: what it is now, why, since when, and its raw readings.

import { historyChart } from "./charts.js";
import { byId, el, fill, setText } from "./dom.js";
import { getHistory } from "./history.js";
import {
  ageOf, chip, coverageWords, explained, valueText, windowWords,
} from "./levels.js";
import { causeName } from "./status_view.js";
import { domainRank } from "./model.js";
import { badness } from "./table_view.js";
import { fullMoment, moment, number, percent, say, sayOr, zoneName } from "./words.js";
import { Zoom } from "./zoom.js";

const SPANS = [1, 7, 30, 365];
const DAY_S = 86_400;
const MEMBERS_SHOWN = 40;
const VALUES_SHOWN = 48;

const usualDays = (entry) => (entry?.cadence_s >= DAY_S ? 30 : 1);

export class StationView {
  constructor() {
    this.path = "";
    this.key = "";
    this.zoom = new Zoom(1);
    this.history = null;
    this.live = null;
  }

  // The indicators that are known at the place, by domain, headlines first.
  entries(model) {
    const known = [...model.indicators.values()].filter((entry) => (
      model.current(this.path, entry.key)));
    return known.sort((a, b) => domainRank(a.domain) - domainRank(b.domain)
      || a.domain.localeCompare(b.domain) || Number(b.headline) - Number(a.headline));
  }

  async open(model, path, key) {
    const moved = this.path !== path;
    this.path = path;
    const known = this.entries(model);
    const before = model.indicators.get(this.key);
    this.key = known.some((entry) => entry.key === key) ? key : (known[0]?.key ?? "");
    // A day says nothing of what is computed once a day; what the reader has chosen stays.
    if (this.zoom.days === usualDays(before)) {
      this.zoom.latest(usualDays(model.indicators.get(this.key)));
    }
    this.history = null;
    const panel = byId("panel");
    const wasHidden = panel.hidden;
    panel.hidden = false;
    document.body.classList.add("with-panel");
    this.build(model);
    if (moved || wasHidden) {
      panel.scrollTop = 0;
      byId("panel-title").focus({ preventScroll: true });
    }
    await this.load(model);
  }

  close() {
    this.path = "";
    byId("panel").hidden = true;
    document.body.classList.remove("with-panel");
  }

  // Fetches the history shown; called again when a window has closed.
  async load(model) {
    const { path, key } = this;
    const entry = model.indicators.get(key);
    if (!path || !entry) return;
    const [from, to] = this.zoom.range(model.now());
    const history = await getHistory(path, key, from, to);
    if (path !== this.path || key !== this.key) return;
    if (this.zoom.from !== null && this.zoom.from !== from) return;
    this.history = history;
    this.draw(model, entry);
    this.update(model);
  }

  draw(model, entry) {
    const node = byId("panel-chart");
    this.chart?.destroy();
    this.chart = null;
    const points = this.history.points;
    const label = say("chart.label", { name: entry.name, place: model.placeName(this.path) });
    if (points.filter((point) => point.level >= 0).length < 2) node.replaceChildren(el("p", { class: "note" }, say("chart.empty")));
    else {
      this.chart = historyChart(node, entry, points, label, (chosenFrom, chosenTo) => {
        if (this.zoom.choose(chosenFrom, chosenTo)) this.again(model);
      });
    }
    const [from, to] = this.zoom.range(model.now());
    setText(byId("panel-range"), say(this.history.merged ? "zoom.merged" : "zoom.range", {
      from: moment(from, model.now()), to: moment(to, model.now()),
    }));
    fill(byId("panel-values"), points.slice(-VALUES_SHOWN).reverse().map((point) => el("tr", {},
      el("th", { scope: "row" }, moment(point.end, model.now())),
      el("td", { class: "num" }, point.level < 0 ? "–" : number(point.value, entry.digits)),
      el("td", {}, point.level < 0 ? say("standing.insufficient")
        : entry.levels[point.level].word),
      el("td", { class: "num" }, percent(point.cov)))));
  }

  build(model) {
    const place = model.places.get(this.path);
    setText(byId("panel-title"), model.placeName(this.path));
    const spans = SPANS.map((days) => el("button", {
      type: "button", "aria-pressed": String(days === this.zoom.days),
      "data-focus": `days${days}`,
      onclick: () => {
        this.zoom.latest(days);
        this.again(model);
      },
    }, say(`span.${days}`)));
    const steps = [
      ["earlier", "‹", () => this.zoom.step(-1, model.now())],
      ["later", "›", () => this.zoom.step(1, model.now())],
      ["in", "+", () => this.zoom.scale(0.5, model.now())],
      ["out", "−", () => this.zoom.scale(2, model.now())],
    ].map(([name, sign, act]) => el("button", {
      type: "button", "data-focus": `zoom ${name}`, "aria-label": say(`zoom.${name}`),
      title: say(`zoom.${name}`),
      onclick: () => {
        act();
        this.again(model);
      },
    }, sign));
    const heads = ["time", "value", "level", "coverage"].map((name) => (
      el("th", { scope: "col", class: name === "level" ? "" : "num" }, say(`values.${name}`))));
    fill(byId("panel-body"),
      el("p", { id: "panel-place", class: "note" }, this.placeWords(place)),
      el("div", { id: "panel-now" }),
      el("div", { class: "row" }, el("h3", {}, say("panel.history")),
        el("div", { role: "group", "aria-label": say("panel.span") }, spans),
        el("div", { role: "group", "aria-label": say("zoom.title") }, steps)),
      el("p", { id: "panel-range", class: "note" }),
      el("div", { id: "panel-chart" }),
      el("p", { class: "note" }, say("zoom.how")),
      el("details", { id: "panel-table" }, el("summary", {}, say("panel.values")),
        el("table", {}, el("thead", {}, el("tr", {}, heads)),
          el("tbody", { id: "panel-values" }))),
      el("p", {}, el("a", { href: `#/events/${this.path}` }, say("panel.events"))),
      el("div", { id: "panel-members" }),
      el("h3", {}, say("panel.indicators")), el("div", { id: "panel-all", class: "scroll-x" }),
      el("div", { id: "panel-readings" }));
    this.update(model);
  }

  // Another stretch of time.
  again(model) {
    this.build(model);
    return this.load(model);
  }

  placeWords(place) {
    if (this.path === "_/_") return say("scope.city");
    if (this.path.endsWith("/_")) return `${place?.district ?? this.path.slice(0, -2)} · ${say("scope.district")}`;
    const words = [this.path, `${number(place.lat, 4)}, ${number(place.lon, 4)}`];
    if (place.length_km) words.push(say("place.road", place));
    words.push(place.tz);
    return words.join(" · ");
  }

  update(model) {
    if (!this.path) return;
    const entry = model.indicators.get(this.key);
    fill(byId("panel-now"), entry ? this.nowWords(model, entry) : el("p", {}, say("panel.none")));
    fill(byId("panel-members"), entry ? this.members(model, entry) : null);
    fill(byId("panel-all"), this.allTable(model));
    fill(byId("panel-readings"), this.readings(model));
  }

  nowWords(model, entry) {
    const point = model.current(this.path, entry.key);
    const standing = model.standing(this.path, entry.key);
    const { closed } = model.pair(this.path, entry.key);
    const before = point.state === 0 && closed && closed.level >= 0
      ? el("p", { class: "note" }, say("panel.before", {
        end: moment(closed.end, model.now()), value: valueText(entry, closed),
        word: entry.levels[closed.level].word,
      })) : null;
    return [
      el("p", { class: "kind" }, entry.name),
      el("p", { class: "big" }, explained(entry, point, standing), chip(entry, point, standing)),
      entry.levels.length > 1 ? this.sinceWords(model, point) : null,
      this.causeWords(model, entry),
      el("p", { class: "note" }, windowWords(model, point), ` · ${coverageWords(point)}`),
      before,
      el("details", { id: "panel-standard" },
        el("summary", { "data-focus": "standard" }, say("panel.standard")),
        el("p", {}, `${entry.standard}; ${entry.clause}`), el("p", {}, entry.rule),
        entry.open_marks.map((text) => el("p", { class: "note" }, say("panel.mark", { text })))),
    ];
  }

  sinceWords(model, point) {
    const history = this.history;
    if (!history || point.level < 0) return el("p", { id: "since" }, "");
    if (history.since_ms === null || history.level !== point.level) {
      return el("p", { id: "since" }, say("since.window"));
    }
    const key = history.since_at_least ? "since.least" : "since.time";
    return el("p", { id: "since" }, say(key, { time: moment(history.since_ms, model.now()) }),
      " (", ageOf(history.since_ms, model.now()), ")");
  }

  causeWords(model, entry) {
    const parts = model.parts(this.path, entry);
    if (!parts.length) return null;
    const names = parts.map((part) => causeName(model, entry, part.key));
    const rows = parts.map((part, i) => {
      const own = model.indicators.get(part.key);
      return el("li", {}, el("a", {
        href: `#/station/${this.path}/${part.key}`, "data-focus": part.key,
      }, names[i]), " ", explained(own, part, "ok"), " ", chip(own, part, "ok"));
    });
    return el("div", { id: "cause" }, el("p", {}, say("panel.cause", { name: names[0] })),
      el("ul", { class: "parts" }, rows));
  }

  // The stations of a district or city, worst first, and how their values are spread.
  members(model, entry) {
    if (!this.path.endsWith("/_")) return null;
    const inside = this.path === "_/_" ? () => true
      : (place) => `${place.district}/_` === this.path;
    const rows = model.stations.filter(inside).map((place) => ({
      place, point: model.current(place.path, entry.key),
      standing: model.standing(place.path, entry.key),
    })).filter((row) => row.point).sort((a, b) => badness(entry, b) - badness(entry, a));
    if (!rows.length) return null;
    const lines = rows.slice(0, MEMBERS_SHOWN).map(({ place, point, standing }) => el("tr", {},
      el("th", { scope: "row" }, el("a", {
        href: `#/station/${place.path}/${entry.key}`, "data-focus": `member ${place.path}`,
      }, place.name)),
      el("td", { class: "num" }, explained(entry, point, standing)),
      el("td", {}, chip(entry, point, standing)),
      el("td", { class: "num" }, ageOf(model.at(point), model.now()))));
    const heads = ["station", "value", "level", "age"].map((name) => (
      el("th", { scope: "col", class: ["value", "age"].includes(name) ? "num" : "" },
        say(`table.${name}`))));
    return [el("h3", {}, say("panel.members", { n: rows.length })),
      this.spread(model, entry),
      el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, lines))];
  }

  spread(model, entry) {
    const point = model.current(this.path, entry.key);
    if (!point || point.p50 === null || point.level < 0) return null;
    const shown = (value) => number(value, entry.digits);
    return el("p", { class: "note" }, say(point.over < 0 || entry.over_level === null
      ? "panel.spread" : "panel.spread_over", {
      p50: shown(point.p50), p95: shown(point.p95), max: shown(point.max), over: point.over,
    }));
  }

  // A heading a domain where there is more than one.
  allTable(model) {
    const entries = this.entries(model);
    const several = new Set(entries.map((entry) => entry.domain)).size > 1;
    const rows = entries.flatMap((entry, i) => {
      const first = several && entry.domain !== entries[i - 1]?.domain;
      const head = el("tr", { class: "domain" }, el("th", { scope: "rowgroup", colspan: "4" },
        sayOr(`domain.${entry.domain}`, entry.domain)));
      return first ? [head, this.allRow(model, entry)] : [this.allRow(model, entry)];
    });
    const heads = ["indicator", "value", "level", "age"].map((name) => (
      el("th", { scope: "col", class: ["value", "age"].includes(name) ? "num" : "" },
        say(`values.${name}`))));
    return el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows));
  }

  allRow(model, entry) {
    const point = model.current(this.path, entry.key);
    const standing = model.standing(this.path, entry.key);
    return el("tr", { "aria-current": entry.key === this.key ? "true" : null },
      el("th", { scope: "row" }, el("a", {
        href: `#/station/${this.path}/${entry.key}`, "data-focus": `all ${entry.key}`,
      }, entry.name)),
      el("td", { class: "num" }, explained(entry, point, standing)),
      el("td", {}, chip(entry, point, standing)),
      el("td", { class: "num" }, ageOf(model.at(point), model.now())));
  }

  readings(model) {
    const rows = [...(model.readings.get(this.path)?.values() ?? [])];
    if (!rows.length) return null;
    const lines = rows.map((row) => {
      const quantity = model.quantities.get(row.quantity) ?? { name: row.quantity, digits: 2 };
      const name = row.channel ? `${quantity.name}, ${row.channel}` : quantity.name;
      const text = row.value === null ? "–" : number(row.value, quantity.digits);
      return el("tr", {}, el("th", { scope: "row" }, name),
        el("td", { class: "num" }, text, el("span", { class: "unit" }, ` ${quantity.unit ?? ""}`)),
        el("td", { class: "flag" }, say(`flag.${row.flag}`)),
        el("td", {}, row.device, this.deviceWords(model, row.device)),
        el("td", { class: "num", title: fullMoment(row.time) }, ageOf(row.time, model.now())));
    });
    const heads = ["quantity", "value", "flag", "device", "age"].map((name) => (
      el("th", { scope: "col", class: ["value", "age"].includes(name) ? "num" : "" },
        say(`values.${name}`))));
    return [el("h3", {}, say("panel.readings")), el("div", { class: "scroll-x" },
      el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, lines))),
    el("p", { class: "note" }, say("panel.zone", { zone: zoneName() }))];
  }

  deviceWords(model, device) {
    const state = model.devices.get(`${this.path} ${device}`);
    if (!state) return "";
    const words = say(state.online ? "device.online" : "device.offline");
    return state.queued ? ` (${words}, ${say("device.queued", { n: state.queued })})`
      : ` (${words})`;
  }
}
