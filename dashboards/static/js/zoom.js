// The stretch of time a history shows: the latest days, or a part of the past that was chosen.

const DAY_MS = 86_400_000;
const SHORTEST_MS = 15 * 60_000;
const LONGEST_MS = 3660 * DAY_MS;

export class Zoom {
  constructor(days) {
    this.latest(days);
  }

  latest(days) {
    this.days = days;
    this.from = this.to = null;
  }

  // [from, to] in Unix ms; the latest days move with the clock.
  range(now) {
    return this.from === null ? [now - this.days * DAY_MS, now] : [this.from, this.to];
  }

  choose(from, to) {
    if (!(to - from >= SHORTEST_MS)) return false;
    this.days = 0;
    [this.from, this.to] = [from, to];
    return true;
  }

  // `by` 0.5 shows half of it, 2 twice as much; the middle stays.
  scale(by, now) {
    const [from, to] = this.range(now);
    const length = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (to - from) * by));
    this.move(from + (to - from - length) / 2, length, now);
  }

  // Half a stretch earlier (-1) or later (1), never beyond now.
  step(sign, now) {
    const [from, to] = this.range(now);
    this.move(from + (sign * (to - from)) / 2, to - from, now);
  }

  move(from, length, now) {
    const end = Math.min(from + length, now);
    this.choose(end - length, end);
  }
}
