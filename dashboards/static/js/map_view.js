// The map without tiles: a dot a station with its level's number, an outline a district.

import { byId, el, fill } from "./dom.js";
import { mark } from "./levels.js";
import { say } from "./words.js";

const NAME_PX = 24; // a district's name stands above it

// Corner points of the hull around `points` ([x, y]), counter-clockwise (Andrew's chain).
export function hull(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const turn = (o, a, b) => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  const half = (list) => {
    const chain = [];
    for (const point of list) {
      while (chain.length > 1 && turn(chain.at(-2), chain.at(-1), point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return sorted.length < 3 ? sorted : [...half(sorted), ...half(sorted.reverse())];
}

// The hull a little larger than its stations, so that no dot stands on the outline.
function outline(stations) {
  const corners = hull(stations.map((place) => [place.lon, place.lat]));
  const lon = corners.reduce((total, corner) => total + corner[0], 0) / corners.length;
  const lat = corners.reduce((total, corner) => total + corner[1], 0) / corners.length;
  return corners.map(([x, y]) => [lat + (y - lat) * 1.14, lon + (x - lon) * 1.14]);
}

export class MapView {
  constructor() {
    this.map = null;
    this.dots = new Map();
    this.key = "";
  }

  build(model) {
    this.map?.remove();
    this.dots.clear();
    this.map = L.map("map", {
      attributionControl: false, zoomSnap: 0.25, keyboard: false, scrollWheelZoom: false,
      fadeAnimation: false,
    });
    L.control.scale({ imperial: false }).addTo(this.map);
    const placed = model.stations.filter((place) => place.lat !== null && place.lon !== null);
    for (const district of new Set(placed.map((place) => place.district))) {
      this.district(model, district, placed.filter((place) => place.district === district));
    }
    for (const place of placed) this.dots.set(place.path, this.dot(model, place));
    this.fit(placed);
    this.update(model, this.key);
  }

  fit(placed) {
    if (!placed.length) return;
    this.bounds = L.latLngBounds(placed.map((place) => [place.lat, place.lon])).pad(0.08);
    const within = { animate: false, maxZoom: 16, paddingTopLeft: [0, NAME_PX] };
    this.map.fitBounds(this.bounds, within);
    new ResizeObserver(() => {
      this.map.invalidateSize({ animate: false });
      this.map.fitBounds(this.bounds, within);
    }).observe(byId("map"));
  }

  district(model, district, stations) {
    if (stations.length < 3) return;
    const name = model.placeName(`${district}/_`);
    const shape = L.polygon(outline(stations), {
      className: "district", interactive: false, weight: 1.5,
    }).addTo(this.map);
    const top = shape.getBounds();
    L.marker([top.getNorth(), top.getCenter().lng], {
      interactive: false, keyboard: false, zIndexOffset: 100000,
      icon: L.divIcon({ className: "district-name", html: el("span", {}, name), iconSize: null }),
    }).addTo(this.map);
  }

  dot(model, place) {
    const marker = L.marker([place.lat, place.lon], {
      keyboard: false, icon: L.divIcon({ className: "dot", iconSize: [24, 24] }),
    });
    marker.on("click", () => {
      location.hash = `#/station/${place.path}/${this.key}`;
    });
    return marker.addTo(this.map);
  }

  update(model, key) {
    this.key = key;
    const entry = model.indicators.get(key);
    if (!this.map || !entry) return;
    for (const [path, marker] of this.dots) {
      const node = marker.getElement();
      const standing = model.standing(path, key);
      const point = model.current(path, key);
      const level = standing === "ok" ? point.level : -1;
      const silent = model.isSilent(path);
      const seen = `${standing} ${level} ${silent} ${key}`;
      if (node.dataset.seen === seen) continue;
      node.dataset.seen = seen;
      const absent = standing === "none" && model.measured.has(path);
      node.classList.toggle("absent", absent);
      node.replaceChildren(absent ? "" : mark(entry, point, silent ? "silent" : standing));
      const word = level >= 0 ? entry.levels[level].word : say(`standing.${standing}`);
      node.title = `${model.placeName(path)}: ${silent ? say("standing.silent") : word}`;
      marker.setZIndexOffset(level * 1000 + (absent ? -1000 : 0));
    }
    byId("map").setAttribute("aria-label", say("map.label", { name: entry.name }));
    this.legend(entry);
  }

  legend(entry) {
    const rows = entry.levels.map((level, i) => (
      el("li", {}, mark(entry, { level: i }, "ok"), level.word)));
    rows.push(el("li", {}, mark(entry, null, "none"), say("legend.unknown")));
    rows.push(el("li", {}, el("span", { class: "mark absent" }), say("legend.absent")));
    if (entry.colour_source) rows.push(el("li", { class: "note" }, entry.colour_source));
    fill(byId("legend"), rows);
  }
}
