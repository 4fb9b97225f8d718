// The stations as a table: the map's alternative for keyboard and screen reader, worst first.

import { byId, el, fill, setText } from "./dom.js";
import { ageOf, chip, explained } from "./levels.js";
import { percent, say } from "./words.js";

const ROWS_MAX = 300;
const COLUMNS = ["station", "district", "value", "level", "coverage", "age"];
const NUMERIC = new Set(["value", "coverage", "age"]);

// Worst first: silent and without a number after every number, then by name.
export function badness(entry, row) {
  if (row.standing !== "ok") return row.standing === "none" ? -3 : -2;
  const rank = entry.better === "high" ? -row.point.value / 1e6 : row.point.value / 1e12;
  return row.point.level + rank;
}

const SORTS = {
  station: (row) => row.place.name,
  district: (row) => row.place.district,
  value: (row) => (row.point && row.point.level >= 0 ? row.point.value : -Infinity),
  coverage: (row) => row.point?.cov ?? -1,
  age: (row) => -(row.at ?? 0),
};

export class TableView {
  constructor(changed) {
    this.column = "level";
    this.down = true;
    this.changed = changed;
    byId("filter").addEventListener("input", changed);
    fill(byId("stations").tHead, el("tr", {}, COLUMNS.map((name) => this.head(name))));
  }

  head(name) {
    const onclick = () => {
      this.down = this.column === name ? !this.down : name !== "station" && name !== "district";
      this.column = name;
      this.changed();
    };
    return el("th", { scope: "col", "data-column": name, class: NUMERIC.has(name) ? "num" : "" },
      el("button", { type: "button", onclick }, say(`table.${name}`)));
  }

  rows(model, entry) {
    const asked = byId("filter").value.trim().toLowerCase();
    const rows = [];
    for (const place of model.stations) {
      const point = model.current(place.path, entry.key);
      const silent = model.isSilent(place.path);
      if (!point && model.measured.has(place.path)) continue;
      if (asked && !`${place.path} ${place.name}`.toLowerCase().includes(asked)) continue;
      const standing = silent ? "silent" : model.standing(place.path, entry.key);
      rows.push({ place, point, standing, at: point && model.at(point) });
    }
    const by = this.column === "level" ? (row) => badness(entry, row) : SORTS[this.column];
    const sign = this.down ? -1 : 1;
    return rows.sort((a, b) => {
      const [x, y] = [by(a), by(b)];
      return x < y ? -sign : x > y ? sign : a.place.name.localeCompare(b.place.name);
    });
  }

  line(model, entry, { place, point, standing, at }) {
    const href = `#/station/${place.path}/${entry.key}`;
    return el("tr", { "data-path": place.path },
      el("th", { scope: "row" }, el("a", { href, "data-focus": place.path }, place.name)),
      el("td", {}, model.placeName(`${place.district}/_`)),
      el("td", { class: "num" }, explained(entry, point, standing)),
      el("td", {}, chip(entry, point, standing)),
      el("td", { class: "num" }, point ? percent(point.cov) : "–"),
      el("td", { class: "num" }, point ? ageOf(at, model.now()) : "–"));
  }

  update(model, key) {
    const entry = model.indicators.get(key);
    if (!entry) return;
    const rows = this.rows(model, entry);
    const body = byId("stations").tBodies[0];
    fill(body, rows.slice(0, ROWS_MAX).map((row) => this.line(model, entry, row)));
    const shown = Math.min(rows.length, ROWS_MAX);
    setText(byId("table-count"), say("table.count", { shown, all: rows.length }));
    for (const head of byId("stations").tHead.querySelectorAll("th")) {
      const order = this.down ? "descending" : "ascending";
      head.setAttribute("aria-sort", head.dataset.column === this.column ? order : "none");
    }
  }
}
