// One card a headline indicator of the whole city.

import { getHistory } from "./history.js";
import { sparkline } from "./charts.js";
import { byId, el, fill } from "./dom.js";
import { chip, coverageWords, explained, value, windowWords } from "./levels.js";
import { number, say } from "./words.js";

const CITY = "_/_";
const DAY_MS = 86_400_000;

function spread(entry, point) {
  if (point.p50 === null || point.level < 0) return null;
  const fills = {
    p50: number(point.p50, entry.digits), max: number(point.max, entry.digits),
    unit: entry.unit,
  };
  const words = [say("card.spread", fills)];
  if (entry.over_level !== null && point.over >= 0) {
    words.unshift(say(point.over === 1 ? "card.over_one" : "card.over", { n: point.over }));
  }
  return el("p", { class: "note" }, words.join(" · "));
}

function card(model, entry, trend) {
  const point = model.current(CITY, entry.key);
  const standing = model.standing(CITY, entry.key);
  const title = el("h3", {}, el("a", {
    href: `#/station/${CITY}/${entry.key}`, "data-focus": entry.key,
  }, entry.name));
  const body = point
    ? [
      el("p", { class: "big" }, explained(entry, point, standing)),
      el("p", {}, chip(entry, point, standing)),
      spread(entry, point),
      trend,
      el("p", { class: "note" }, windowWords(model, point), ` · ${coverageWords(point)}`),
    ]
    : [el("p", { class: "big" }, value(entry, null)), el("p", {}, chip(entry, null, "none")),
      trend];
  return el("article", { class: "card", "data-key": entry.key }, title, ...body,
    el("p", { class: "standard" }, `${say(`area.${entry.area}`)} · ${entry.standard}`));
}

export class CardsView {
  constructor() {
    this.trends = new Map();
  }

  // Draws the trends anew from history; between, `update` leaves them as they are.
  async load(model) {
    const now = model.now();
    for (const { key } of model.headlines()) {
      if (!this.trends.has(key)) this.trends.set(key, { node: el("div", { class: "trend" }) });
    }
    this.update(model); // a trend takes its width from the card it stands in
    for (const entry of model.headlines().filter(({ key }) => model.current(CITY, key))) {
      const trend = this.trends.get(entry.key);
      const history = await getHistory(CITY, entry.key, now - DAY_MS, now);
      trend.chart?.destroy();
      const label = say("card.trend", { name: entry.name });
      trend.chart = sparkline(trend.node, history.points, label);
    }
  }

  update(model) {
    fill(byId("cards"), model.headlines().map((entry) => (
      card(model, entry, this.trends.get(entry.key)?.node ?? null))));
  }
}
