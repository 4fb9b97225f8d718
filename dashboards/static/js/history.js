// Histories from /api/history. A failed request reads as an empty history: the banner of the
// stream says what is wrong.

const NAMES = ["end", "value", "level", "cov", "n", "rev", "state", "low", "high", "worst",
  "merged"];

export async function getHistory(path, key, fromMs, toMs) {
  const query = new URLSearchParams({
    place: path, indicator: key, from: Math.round(fromMs), to: Math.round(toMs),
  });
  try {
    const answer = await fetch(`/api/history?${query}`);
    if (!answer.ok) return { points: [], since_ms: null };
    const body = await answer.json();
    const points = body.points.map((row) => (
      Object.fromEntries(NAMES.map((name, i) => [name, row[i]]))));
    return { ...body, points };
  } catch {
    return { points: [], since_ms: null };
  }
}
