// The live feed: loads /api/now, then follows /api/live from there, and reloads when told to.

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 15000;
const QUIET_MS = 4000;

// Wait before the next try: twice as long after each failure, and never two pages alike.
export function retryMs(failures) {
  return Math.min(RETRY_MS_MIN * 2 ** failures, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
}

export class Stream {
  // `changed(what)` runs after each change of the model.
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    this.source = null;
    this.loading = false;
    this.waiting = [];
    this.failures = 0;
    this.heardAt = performance.now();
    this.problem = "starting";
    setInterval(() => this.watch(), 1000);
  }

  // Seconds without a heartbeat while one should come each second.
  get quietMs() {
    return performance.now() - this.heardAt;
  }

  get connected() {
    return this.source !== null && this.quietMs < QUIET_MS;
  }

  watch() {
    if (this.source && this.source.readyState === EventSource.CLOSED) this.restart();
  }

  restart() {
    this.source?.close();
    this.source = null;
    this.later();
  }

  later() {
    setTimeout(() => this.start(), retryMs(this.failures));
    this.failures += 1;
  }

  async start() {
    if (await this.load()) this.listen();
    else this.later();
  }

  async load() {
    this.loading = true;
    try {
      const answer = await fetch("/api/now");
      if (!answer.ok) {
        this.problem = (await answer.json()).error;
        return false;
      }
      this.model.load(await answer.json());
      this.problem = "";
      this.heardAt = performance.now();
    } catch {
      this.problem = "unreachable";
      return false;
    } finally {
      this.loading = false;
    }
    // What came while loading may be newer than what was loaded.
    for (const [event, data] of this.waiting.splice(0)) this.take(event, data);
    this.changed("all");
    return true;
  }

  listen() {
    const source = new EventSource(`/api/live?after=${this.model.seq}`);
    this.source = source;
    for (const event of ["points", "readings", "health", "heartbeat", "devices", "reload"]) {
      source.addEventListener(event, (message) => {
        this.heardAt = performance.now();
        this.failures = 0;
        const data = JSON.parse(message.data);
        if (this.loading) this.waiting.push([event, data]);
        else this.take(event, data);
      });
    }
  }

  take(event, data) {
    const model = this.model;
    if (event === "reload") {
      this.load();
      return;
    }
    // Rows of an older number are part of what was loaded already.
    if (event === "points" && data.seq > model.seq) model.applyPoints(data.points);
    else if (event === "readings" && data.seq > model.seq) model.applyReadings(data.readings);
    else if (event === "health") model.health = data.health;
    else if (event === "heartbeat") model.beat(data);
    else if (event === "devices") model.applyDevices(data.devices);
    this.changed(event);
  }
}
