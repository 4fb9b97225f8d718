"""`cityvitals report`: the U4SSC scorecard of a period, as HTML and JSON."""

import json
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from edge import facts, places
from edge.facts import FactsError
from edge.places import PlaceRow, PlacesError

if TYPE_CHECKING:
    from dashboards.benchmarks import Benchmark

DATA = Path(".cityvitals")
WRONG_INPUT = 2
YEAR_DAYS = 365
PERIOD_DAYS_MAX = 3660


class ReportError(ValueError):
    """What was asked for cannot be reported; says what would help."""


def report(
    first: Annotated[
        str, typer.Option("--from", metavar="DAY", help="First day, for example 2026-01-01. "
                          "Default: a year up to --to.")
    ] = "",
    last: Annotated[
        str, typer.Option("--to", metavar="DAY", help="Last day. Default: yesterday.")
    ] = "",
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="HTML to write; the JSON goes "
                           "beside it.")
    ] = Path("u4ssc.html"),
    benchmarks: Annotated[
        Path | None, typer.Option("--benchmarks", metavar="FILE", help="Your own benchmarks; they "
                                  "come before the shipped ones. See docs/report.md.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the JSON and write no file.")
    ] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="List the 91 indicators and how each is fed.")
    ] = False,
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder that holds all data.")
    ] = DATA,
) -> None:
    """Make the U4SSC scorecard of a period: value, coverage, origin, benchmark, rating.

    What sensors feed is computed from the store, also while ingest runs; the rest is taken from
    facts (`cityvitals facts load`), or listed with what is missing.
    """
    if listing:
        _list()
        return
    try:
        card = make(data, first, last, benchmarks, time.time_ns() // 1_000_000)
    except (ReportError, FactsError, PlacesError) as error:
        print(f"cityvitals: {error}", file=sys.stderr)
        raise typer.Exit(WRONG_INPUT) from None
    if as_json:
        print(json.dumps(card, ensure_ascii=False))
        return
    from dashboards.report_html import page

    try:
        out.write_text(page(card), encoding="utf-8")
        beside = out.with_suffix(".json")
        beside.write_text(
            json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    except OSError as error:
        print(f"cityvitals: --out {out}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(WRONG_INPUT) from None
    counts = card["counts"]
    print(f"{out}, {beside.name}: {counts['reported']} of {counts['kpis']} indicators, "
          f"{counts['from_sensors']} from sensors, {counts['rated']} rated")


def make(
    data: Path, first: str, last: str, own: Path | None, now_ms: int
) -> dict[str, Any]:
    """The scorecard. Raises `ReportError`, `FactsError` or `PlacesError`."""
    from dashboards.benchmarks import SHIPPED, BenchmarksError, load
    from dashboards.kpi_city import City, Period
    from dashboards.scorecard import scorecard
    from ingest.store import Store, StoreError

    path = data / "places.csv"
    if not path.exists():
        raise ReportError(f"{path}: no such file; name the data folder with --data")
    rows = places.load(path)
    if not rows:
        raise ReportError(f"{path}: has no place")
    tz = rows[-1].tz
    begin, end = _days(first, last, datetime.fromtimestamp(now_ms / 1000, ZoneInfo(tz)).date())
    held: list[Benchmark] = []
    try:
        held = load(SHIPPED) + ([] if own is None else load(own))
    except BenchmarksError as error:
        raise ReportError(str(error)) from None
    known = facts.load(data / "facts.csv") if (data / "facts.csv").exists() else []
    period = Period(begin, end, tz)
    try:
        store = Store.reader(data / "store.db")
        try:
            city = City(period, store, known, standing(rows, period.to_ms))
            return scorecard(city, rows[-1].city, held, now_ms)
        finally:
            store.close()
    except StoreError as error:
        raise ReportError(str(error)) from None


def standing(rows: list[PlaceRow], at_ms: int) -> list[PlaceRow]:
    """Of each station the row in force at a moment, without those that are retired."""
    latest: dict[tuple[str, str], PlaceRow] = {}
    for row in sorted(rows, key=lambda row: row.valid_from_ms):
        if row.valid_from_ms < at_ms:
            latest[row.district, row.station] = row
    return [row for row in latest.values() if row.status == "active"]


def _days(first: str, last: str, today: date) -> tuple[date, date]:
    end = _day("--to", last) if last else today - timedelta(days=1)
    begin = _day("--from", first) if first else end - timedelta(days=YEAR_DAYS - 1)
    if begin > end:
        raise ReportError(f"--from {begin} comes after --to {end}")
    if (end - begin).days >= PERIOD_DAYS_MAX:
        raise ReportError(f"--from {begin} to {end}: longer than {PERIOD_DAYS_MAX} days")
    return begin, end


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ReportError(f"{option} {text!r}: write a day, for example 2026-01-31") from None


def _list() -> None:
    from dashboards.kpis import FEEDS, kpis

    for kpi in kpis():
        print(f"{kpi.number:2} {kpi.code:14} {kpi.rank:8} {kpi.name} [{kpi.unit}]: "
              f"{FEEDS[kpi.feed]}; fact {kpi.fact}")
