// Trends with uPlot: a bare sparkline, and a history with the standard's levels behind it.

import { zoneName } from "./words.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Times and values with a gap where a window is insufficient or missing.
export function columns(points, cadenceS) {
  const times = [];
  const values = [];
  for (const point of points) {
    const end = point.end / 1000;
    const last = times.at(-1);
    if (cadenceS && last !== undefined && end - last > 3 * cadenceS) {
      times.push(last + cadenceS);
      values.push(null);
    }
    times.push(end);
    values.push(point.level < 0 ? null : point.value);
  }
  return [times, values];
}

export function sparkline(node, points, label) {
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", label);
  if (points.length < 2) return null;
  node.replaceChildren();
  return new uPlot({
    width: Math.max(160, node.clientWidth || 220), height: 44,
    cursor: { show: false }, legend: { show: false }, axes: [{ show: false }, { show: false }],
    padding: [3, 2, 3, 2],
    series: [{}, { stroke: colour("--accent"), width: 2, points: { show: false } }],
  }, columns(points), node);
}

// The values between which a level holds, lowest first.
export function bands(entry) {
  const uppers = entry.levels.map((level) => level.upper ?? Infinity);
  if (entry.better === "high") {
    return entry.levels.map((level, i) => [uppers[i + 1] ?? -Infinity, uppers[i], level]);
  }
  return entry.levels.map((level, i) => [i ? uppers[i - 1] : -Infinity, uppers[i], level]);
}

function drawBands(chart, entry) {
  const { ctx, bbox } = chart;
  const { min, max } = chart.scales.y;
  const y = (value) => chart.valToPos(Math.min(max, Math.max(min, value)), "y", true);
  ctx.save();
  for (const [low, high, level] of bands(entry)) {
    if (high <= min || low >= max) continue;
    ctx.fillStyle = `${level.colour}33`;
    ctx.fillRect(bbox.left, y(high), bbox.width, y(low) - y(high));
    ctx.fillStyle = `${level.colour}`;
    ctx.fillRect(bbox.left, y(high), 4 * devicePixelRatio, y(low) - y(high));
  }
  const limit = entry.over_level === null ? null : bands(entry)[entry.over_level];
  const edge = limit && (entry.better === "high" ? limit[1] : limit[0]);
  if (limit && edge > min && edge < max) {
    ctx.strokeStyle = colour("--text");
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y(edge));
    ctx.lineTo(bbox.left + bbox.width, y(edge));
    ctx.stroke();
  }
  ctx.restore();
}

// `chosen` gets the first and last Unix ms of what was marked with the mouse.
export function historyChart(node, entry, points, label, chosen) {
  node.replaceChildren();
  const axis = {
    stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
  };
  const soft = entry.better === "high" ? 100 : undefined;
  // Nothing is silent: a level in dB drawn from 0 on is a line at the upper edge.
  const low = entry.unit.startsWith("dB") ? { pad: 0.1, mode: 0 } : { soft: 0, mode: 1, pad: 0.1 };
  const options = {
    width: Math.max(240, node.clientWidth), height: 220,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zoneName()),
    scales: { y: { range: { min: low,
      max: { soft, mode: soft ? 1 : 3, pad: 0.1 } } } },
    axes: [
      { ...axis, values: [
        [86400, "{D} {MMM}", null, null, null, null, null, null, 1],
        [3600, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
        [60, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
      ] },
      { ...axis, size: 56 },
    ],
    series: [
      { value: "{D} {MMM} {HH}:{mm}" },
      { label: entry.unit ? `${entry.name}, ${entry.unit}` : entry.name,
        stroke: colour("--accent"), width: 2,
        points: { show: points.length < 60, size: 5 },
        value: (_, value) => (value === null || value === undefined
          ? "–" : value.toFixed(entry.digits)) },
    ],
    cursor: { drag: { x: true, y: false, setScale: false } },
    hooks: {
      drawClear: [(chart) => entry.levels.length > 1 && drawBands(chart, entry)],
      setSelect: [(chart) => {
        const { left, width } = chart.select;
        if (width < 8) return;
        chosen(chart.posToVal(left, "x") * 1000, chart.posToVal(left + width, "x") * 1000);
      }],
    },
  };
  const chart = new uPlot(options, columns(points, entry.cadence_s), node);
  node.querySelector("canvas").setAttribute("aria-label", label);
  node.querySelector("canvas").setAttribute("role", "img");
  return chart;
}
