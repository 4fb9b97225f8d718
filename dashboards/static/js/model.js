// What the page knows: places, newest points and readings, health, status and the clock.

const SLACK_MS = 120_000;
const POINT = ["path", "key", "end", "value", "level", "cov", "n", "rev", "state",
  "p50", "p95", "max", "over", "known"];
const READING = ["path", "device", "quantity", "channel", "time", "value", "flag", "period"];

const DOMAINS = ["air", "traffic", "energy", "noise"];

// Domains in the order in which an operator reads them; a city's own, then how good the data is.
export function domainRank(domain) {
  if (domain === "dq") return DOMAINS.length + 1;
  const rank = DOMAINS.indexOf(domain);
  return rank < 0 ? DOMAINS.length : rank;
}

const named = (names, row) => Object.fromEntries(names.map((name, i) => [name, row[i]]));

export class Model {
  constructor() {
    this.seq = 0;
    this.places = new Map();
    this.stations = [];
    this.indicators = new Map();
    this.quantities = new Map();
    this.points = new Map();
    this.measured = new Set(); // paths that have any point
    this.readings = new Map();
    this.devices = new Map();
    this.status = null;
    this.health = null;
    this.clock = { kind: "wall", now_ms: Date.now(), wall_ms: Date.now(), moving: false, past: null };
    this.clockAt = performance.now();
  }

  load(now) {
    this.places = new Map(now.places.map((place) => [place.path, place]));
    this.stations = now.places.filter((place) => place.scope === "station");
    this.indicators = new Map(now.indicators.map((entry) => (
      [entry.key, { ...entry, domain: entry.key.split(".")[0] }])));
    this.quantities = new Map(now.quantities.map((entry) => [entry.id, entry]));
    this.verdictWords = now.verdict_words;
    this.city = now.city;
    this.points.clear();
    this.measured.clear();
    this.readings.clear();
    this.devices.clear();
    this.applyPoints(now.points);
    this.applyReadings(now.readings);
    this.applyDevices(now.devices);
    this.health = now.health;
    this.beat(now);
    this.seq = now.seq;
  }

  beat({ clock, status }) {
    this.clock = clock;
    this.clockAt = performance.now();
    this.status = status;
  }

  // Now on the clock of the data. A recording's clock moves only as its heartbeats say.
  now() {
    if (this.clock.kind === "recorded" && this.clock.moving) return this.clock.now_ms;
    return this.clock.now_ms + performance.now() - this.clockAt;
  }

  // Now on the server's wall clock, for what is not of the data: ingest, broker, sinks.
  wall() {
    return this.clock.wall_ms + performance.now() - this.clockAt;
  }

  applyPoints(rows) {
    for (const row of rows) {
      const point = named(POINT, row);
      const name = `${point.path} ${point.key}`;
      const pair = this.points.get(name) ?? {};
      if (point.state === 0) pair.open = point;
      else {
        pair.closed = point;
        if (pair.open && pair.open.end <= point.end) pair.open = undefined;
      }
      this.points.set(name, pair);
      this.measured.add(point.path);
    }
  }

  applyReadings(rows) {
    for (const row of rows) {
      const reading = named(READING, row);
      if (!this.readings.has(reading.path)) this.readings.set(reading.path, new Map());
      const { device, quantity, channel } = reading;
      this.readings.get(reading.path).set(`${device} ${quantity} ${channel}`, reading);
    }
  }

  applyDevices(rows) {
    for (const [path, device, online, time, queued, dropped] of rows) {
      this.devices.set(`${path} ${device}`, { path, device, online, time, queued, dropped });
    }
  }

  pair(path, key) {
    return this.points.get(`${path} ${key}`) ?? {};
  }

  // The open point where it is newer and sufficient, else the closed one.
  current(path, key) {
    const { open, closed } = this.pair(path, key);
    if (!open || !closed) return open ?? closed;
    return open.end > closed.end && open.level >= 0 ? open : closed;
  }

  // The instant a point speaks for: its window's end, or when an open window was last known.
  at(point) {
    return point.state === 0 ? Math.min(point.end, point.known) : point.end;
  }

  isStale(point) {
    const cadence = this.indicators.get(point.key).cadence_s * 1000;
    return this.now() - this.at(point) > 2 * cadence + SLACK_MS;
  }

  isSilent(path) {
    return Boolean(this.health?.silent.some((row) => row.place === path));
  }

  // none: never measured here; silent, stale, insufficient: no number to act on; else ok.
  standing(path, key) {
    const point = this.current(path, key);
    if (!point) return "none";
    if (this.isStale(point)) return this.isSilent(path) ? "silent" : "stale";
    return point.level < 0 ? "insufficient" : "ok";
  }

  // By domain, those that anything is known of in the city; before the first points all of them.
  headlines() {
    const all = [...this.indicators.values()].filter((entry) => entry.headline)
      .sort((a, b) => domainRank(a.domain) - domainRank(b.domain));
    const known = all.filter((entry) => this.current("_/_", entry.key));
    return known.length ? known : all;
  }

  level(entry, level) {
    return entry.levels[level];
  }

  // The parts of an indicator at a place, the largest (the cause) first.
  parts(path, entry) {
    return entry.parts.map((key) => this.current(path, key))
      .filter((point) => point && point.level >= 0)
      .sort((a, b) => b.value - a.value);
  }

  // A station, or the district or city of one.
  knows(path) {
    return this.places.has(path) || path === "_/_"
      || this.stations.some((place) => path === `${place.district}/_`);
  }

  // Areas need no row of their own: their ids then read as names.
  placeName(path) {
    const place = this.places.get(path);
    if (place?.name) return place.name;
    const [district, station] = path.split("/");
    if (station !== "_") return path;
    const id = district === "_" ? this.city : district;
    return id.charAt(0).toUpperCase() + id.slice(1).replaceAll(/[-_]/g, " ");
  }
}
