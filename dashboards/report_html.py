"""The scorecard as one HTML file: no script, no request to anywhere, readable on paper."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from html import escape
from typing import Any

from dashboards.kpis import FEEDS, U4SSC
from dashboards.report_chart import chart, figure
from dashboards.scoring import BANDS, COLOURS, POINTS_MAX

Json = dict[str, Any]
PARTIAL = 0.75
"""Below this coverage a value is shown as partial, in words."""


def page(card: Json) -> str:
    """The whole document."""
    title = f"U4SSC scorecard: {city_name(card['city'])}"
    reported = [kpi for kpi in card["kpis"] if _has_value(kpi)]
    absent = [kpi for kpi in card["kpis"] if not _has_value(kpi)]
    style = (U4SSC / "report.css").read_text(encoding="utf-8")
    return "".join([
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title><style>{style}</style></head><body>",
        _head(card, title), _summary(card), _categories(card["categories"]),
        "<h2>What was computed</h2>",
        '<div class="cards">', *(_card(kpi) for kpi in reported), "</div>",
        "" if reported else "<p>Nothing could be computed in this period; see below why.</p>",
        "<h2>All 91 indicators</h2>", _table(card["kpis"]),
        "<h2>What could not be computed, and why</h2>", _reasons(absent),
        _notes(card), "</body></html>",
    ])


def city_name(city: str) -> str:
    """A city's id as people write a name: `new-town` is New Town."""
    return " ".join(word.capitalize() for word in city.replace("_", "-").split("-") if word)


def _has_value(kpi: Json) -> bool:
    return any(point["value"] is not None for point in kpi["points"])


def _head(card: Json, title: str) -> str:
    period = card["period"]
    made = datetime.fromtimestamp(card["made_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    provisional = (
        f'<p class="warn">Provisional: {period["days"]} days, less than a year. U4SSC asks for '
        "annual values.</p>" if period["provisional"] else ""
    )
    return (
        f"<header><h1>{escape(title)}</h1><p>{period['first']} to {period['last']} "
        f"({period['days']} days, {escape(period['tz'])}), made {made}. "
        f"{escape(card['standard'])}.</p>{provisional}</header>"
    )


def _summary(card: Json) -> str:
    counts = card["counts"]
    tiles = [
        (counts["reported"], f"of {counts['kpis']} indicators have a value"),
        (counts["from_sensors"], "from the city's own sensors"),
        (counts["from_facts"], "from facts with a source"),
        (counts["rated"], "are rated against a benchmark"),
    ]
    return '<section class="tiles">' + "".join(
        f'<div class="tile"><b>{number}</b> {escape(words)}</div>' for number, words in tiles
    ) + "</section>"


def _categories(rows: Sequence[Json]) -> str:
    shown = [row for row in rows if row["score"] is not None]
    if not shown:
        return ""
    body = "".join(
        f"<tr><td>{escape(row['dimension'])}</td><td>{escape(row['category'])}</td>"
        f"<td class=n>{row['rated']} of {row['kpis']}</td><td class=n>{row['score']:.1f} %</td>"
        f"<td>{_band(row['band'])}</td></tr>"
        for row in shown
    )
    return (
        "<h2>Scores of the categories</h2><table><thead><tr><th>Dimension<th>Category"
        "<th class=n>Rated<th class=n>Score<th>Class</tr></thead><tbody>" + body
        + "</tbody></table><p class=small>Points of what was reported and has a benchmark, of "
        f"{POINTS_MAX} each; what was not reported is left out.</p>"
    )


def _band(band: str) -> str:
    if not band:
        return '<span class="band none">not rated</span>'
    at = BANDS.index(band)
    return (
        f'<span class="band" style="--band:{COLOURS[at]}">{band} % of the benchmark '
        f"({at + 1} of {POINTS_MAX} points)</span>"
    )


def _card(kpi: Json) -> str:
    points = "".join(_card_point(kpi, point) for point in kpi["points"])
    marks = f'<p class="small">Unconfirmed: {escape("; ".join(kpi["marks"]))}.</p>' if kpi[
        "marks"] else ""
    return (
        f'<article><h3>{escape(kpi["name"])}</h3><p class="code">{escape(kpi["code"])}, '
        f'{escape(kpi["rank"])}, SDG {escape(kpi["sdg"])}</p>{points}{marks}</article>'
    )


def _card_point(kpi: Json, point: Json) -> str:
    part = f'<span class="part">{escape(point["part"])}</span> ' if point["part"] else ""
    if point["value"] is None:
        return f'<p class="value">{part}<span class="none">no value</span></p>' \
               f'<p class="small">{escape(point["why"])}</p>'
    held = point["benchmark"]
    unit = "" if kpi["unit"] == "1" else f" {escape(kpi['unit'])}"
    word = f" {escape(point['rating'])}" if point["rating"] else ""
    against = "no benchmark" if held is None else (
        f"benchmark {figure(held['value'])} ({escape(held['source'])})"
    )
    lines = [
        f"coverage {_share(point['coverage'])}", escape(point["origin"]), against,
    ]
    sources = ", ".join(point["sources"] + point["standards"])
    drawn = chart(
        [(date.fromisoformat(day), value) for day, value in point["trend"]],
        None if held is None else held["value"], f"{kpi['name']} {point['part']}".strip(),
    )
    return (
        f'<p class="value">{part}<b>{figure(point["value"])}</b>{unit}{word}</p>{drawn}'
        f'<p>{_band(point["band"])}</p><p class="small">{"; ".join(lines)}</p>'
        + (f'<p class="small">{escape(point["note"])}</p>' if point["note"] else "")
        + (f'<p class="small from">from {escape(sources)}</p>' if sources else "")
    )


def _share(coverage: float) -> str:
    return f"{coverage:.0%}" + ("" if coverage >= PARTIAL else " (partial)")


def _table(kpis: Sequence[Json]) -> str:
    rows = []
    for kpi in kpis:
        for point in kpi["points"]:
            has = point["value"] is not None
            held = point["benchmark"]
            rows.append(
                f"<tr><td class=n>{kpi['number']}</td><td class=code>{escape(kpi['code'])}</td>"
                f"<td>{escape(kpi['name'])} {escape(point['part'])}</td>"
                f"<td class=n>{figure(point['value']) if has else '-'}</td>"
                f"<td>{escape(kpi['unit'])}</td>"
                f"<td class=n>{_share(point['coverage']) if has else '-'}</td>"
                f"<td>{escape(point['origin']) if has else escape(FEEDS[kpi['feed']])}</td>"
                f"<td class=n>{figure(held['value']) if held else '-'}</td>"
                f"<td>{escape(point['rating'] or point['band'] or '-')}</td></tr>"
            )
    head = ("<tr><th class=n>No.<th>Code<th>Indicator<th class=n>Value<th>Unit<th class=n>Coverage"
            "<th>Origin, or where it comes from<th class=n>Benchmark<th>Rating</tr>")
    return f'<table class="all"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _reasons(kpis: Sequence[Json]) -> str:
    groups: dict[str, list[Json]] = {}
    for kpi in kpis:
        groups.setdefault(FEEDS[kpi["feed"]], []).append(kpi)
    parts = []
    for feed, members in groups.items():
        items = "".join(
            f'<li><span class="code">{escape(kpi["code"])}</span> {escape(kpi["name"])}: '
            f'{escape(kpi["points"][0]["why"])}</li>' for kpi in members
        )
        parts.append(f"<h3>Fed by {escape(feed)} ({len(members)})</h3><ul>{items}</ul>")
    return "".join(parts)


def _notes(card: Json) -> str:
    marks = escape("; ".join(card["marks"]))
    return (
        "<footer><p>Names, units and goals are short forms; the manual's own wording holds. "
        "Benchmarks are those of the file that was given, each with its source; U4SSC publishes "
        f"no list of its own. Colours are this project's.</p><p>Unconfirmed: {marks}.</p>"
        f"<p>{escape(card['standard'])}. Made by Cityvitals.</p></footer>"
    )
