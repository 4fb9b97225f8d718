// Starts the page: words, model, live feed; draws what changed, at most once a frame.

import { CardsView } from "./cards_view.js";
import { byId, el, fill, setText } from "./dom.js";
import { EventsView } from "./events_view.js";
import { ExplainView } from "./explain_view.js";
import { updateHealth } from "./health_view.js";
import { tickAges } from "./levels.js";
import { MapView } from "./map_view.js";
import { Model } from "./model.js";
import { SensorsView } from "./sensors_view.js";
import { StationView } from "./station_view.js";
import { StatusView, updateBanners, updateClock } from "./status_view.js";
import { Stream } from "./stream.js";
import { TableView } from "./table_view.js";
import { startTheme } from "./theme.js";
import { loadWords, say, setZone } from "./words.js";

const HISTORY_MS = 60_000;

await loadWords(document.documentElement.lang);

const model = new Model();
const status = new StatusView();
const cards = new CardsView();
const map = new MapView();
const station = new StationView();
const explanation = new ExplainView();
const events = new EventsView();
const sensors = new SensorsView();
const table = new TableView(() => mark("points"));
const pending = new Set();
let key = "";
let loaded = false;

function mark(what) {
  if (!pending.size) requestAnimationFrame(draw);
  pending.add(what);
}

const stream = new Stream(model, mark);

function choose(wanted) {
  key = wanted;
  fill(byId("choice"), model.headlines().map((entry) => el("button", {
    type: "button", "aria-pressed": String(entry.key === key), "data-focus": entry.key,
    onclick: () => {
      choose(entry.key);
      mark("points");
    },
  }, entry.name)));
}

function drawAll() {
  loaded = true;
  setZone(model.places.get("_/_")?.tz ?? model.stations[0]?.tz);
  const city = model.placeName("_/_"); // empty while a city's past begins
  setText(byId("city"), city || "Cityvitals");
  document.title = [city, "Cityvitals"].filter(Boolean).join(" · ");
  byId("choice").setAttribute("aria-label", say("where.choice"));
  const heads = model.headlines().map((entry) => entry.key);
  choose(heads.includes(key) ? key : heads[0]);
  map.build(model);
  cards.load(model);
  route();
}

function draw() {
  const what = new Set(pending);
  pending.clear();
  if (what.has("all")) drawAll();
  if (!loaded) return;
  status.update(model);
  if (what.has("points") || what.has("all")) {
    cards.update(model);
    map.update(model, key);
    table.update(model, key);
  }
  if (what.has("health") || what.has("all")) updateHealth(model);
  station.update(model);
  sensors.update(model);
  second();
}

function second() {
  updateBanners(model, stream);
  if (!loaded) return;
  updateClock(model, stream);
  tickAges(model.now(), model.wall());
}

// #/station/{district}/{station}[/{indicator}], #/explain/{district}/{station}/{indicator}/{end},
// #/events[/{district}/{station}], #/sensors, #/health or nothing.
function route() {
  const [, view, district, name, wanted, end] = location.hash.split("/").map(decodeURIComponent);
  const known = model.knows(`${district}/${name}`);
  if (view !== "explain") explanation.close();
  if (view !== "events") events.close();
  if (view !== "sensors") sensors.close();
  if (view === "station" && known) {
    station.open(model, `${district}/${name}`, wanted ?? key);
    return;
  }
  station.close();
  if (view === "explain" && known) {
    explanation.open(model, `${district}/${name}`, wanted, end);
    return;
  }
  if (view === "events" || view === "sensors") {
    showPanel();
    if (view === "events") events.open(model, known ? `${district}/${name}` : "_/_");
    else sensors.open(model);
    return;
  }
  if (view === "health") {
    byId("health").scrollIntoView();
    byId("health").focus({ preventScroll: true });
  }
}

function showPanel() {
  byId("panel").hidden = false;
  byId("panel").scrollTop = 0;
  document.body.classList.add("with-panel");
}

function closePanel() {
  const path = station.path || explanation.path || "_/_";
  location.hash = "#/";
  document.querySelector(`[data-focus="${CSS.escape(path)}"]`)?.focus();
}

addEventListener("hashchange", () => loaded && route());
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !byId("panel").hidden) closePanel();
});
byId("panel-close").addEventListener("click", closePanel);
startTheme(() => {
  if (!loaded) return;
  cards.load(model);
  station.load(model);
});
setInterval(second, 1000);
setInterval(() => {
  if (!loaded || !stream.connected) return;
  cards.load(model);
  station.load(model);
  mark("points"); // what has grown stale meanwhile turns grey
}, HISTORY_MS);
stream.start();
