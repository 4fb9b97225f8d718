"""How the value of a district or the city came about: its members and the area's rule."""

from datetime import date
from typing import Any

import numpy as np

from engine.account import Account, Coverage, Step, number
from engine.account_consumption import per_head
from engine.account_outages import system_of
from engine.areas import SUM_SHARE_MIN
from engine.calendar import month_start
from engine.catalogue import INDICATORS
from engine.consumption import Consumption
from engine.energy import DemandPeaks
from engine.family import NOT_MEASURED, Bools, Integers, anywhere
from engine.levels import level_of
from engine.month_peaks import PEAK_DAYS
from engine.outages import MajorEventDays
from engine.registers import BLOCK_MIN
from engine.windows import Windows
from ingest.reconstruct import Reconstruction

_RULES = {
    "worst": "the largest value of the members",
    "vmt_weighted": "sum of weight * value / sum of weight; weight = vehicle kilometres",
    "mean": "sum of weight * value / sum of weight; weight = readings owed",
    "length_weighted": "sum of weight * value / sum of weight; weight = the length of the road",
    "station_mean": "sum of the values / how many there are: all stations alike",
    "vht_weighted": "sum of weight * value / sum of weight; weight = vehicle hours",
    "energy_weighted": "sum of weight * value / sum of weight; weight = the energy (or power) that "
    "the value is a share of",
    "customer_weighted": "sum of weight * value / sum of weight; weight = customers served",
    "interruption_weighted": "sum of weight * value / sum of weight; weight = customer "
    "interruptions",
    "system": "of all interruptions of the area together: threshold = exp(mean + 2.5 * sample "
    "deviation) of ln saidi_min of the days that had one, of five years; the indices are sums over "
    "the days of 12 months whose saidi_min does not exceed it, over the mean of customers",
    "per_capita": "sum of the values in kWh * scale / population; scale = customers of the area / "
    "metered customers, 1 where either is unknown; three quarters of the members needed",
    "sum": "sum of the values; three quarters of the members needed",
    "coincident": "largest 15-minute block of the sum over the members, of the month so far; a "
    "block needs three quarters of the members",
}
_SUMS = ("sum", "coincident", "per_capita")
MEMBERS_MAX = 2_000
"""Members listed; those with the highest level first."""


def area_account(
    built: Reconstruction, windows: Windows, position: int, place: int, number_of: int,
    now_min: int,
) -> tuple[Account, list[dict[str, Any]]]:
    """Steps and members of an area; private members are not listed."""
    family, registry = windows.family, built.vitals.registry
    column = family.indicators.index(position)
    entry = INDICATORS[position]
    members = np.arange(len(family.members.places), dtype=np.int64)
    ordinals = np.full(len(members), number_of, np.int64)
    if not windows.daily:
        end_min = family.end_min(members[:1], ordinals[:1])
        ordinals = family.ordinal(members, np.repeat(end_min - 1, len(members)))
    result = family.compute(members, ordinals, now_min, built.vitals.panes)
    start, end = family.end_min(members, ordinals - 1), family.end_min(members, ordinals)
    there = anywhere(family.members.live(members, start, end, built.vitals.panes), 1)
    there &= result.n[:, column] != NOT_MEASURED
    there &= _under(built, place, family.members.places)
    if not windows.daily:
        there &= end == end[0]
    values = np.where(result.n[:, column] < 0, np.nan, result.value[:, column])
    levels = level_of(position, np.ascontiguousarray(values))
    rows: list[dict[str, Any]] = []
    for member in np.nonzero(there)[0].tolist():
        if family.members.places[member] in registry.private:
            continue
        rows.append({
            "place": registry.keys[family.members.places[member]].path,
            "value": float(values[member]) if levels[member] >= 0 else None,
            "level": int(levels[member]), "weight": float(result.weight[member]),
            "cov": number(float(np.clip(result.cov[member, column], 0, 1))),
            "n": max(int(result.n[member, column]), 0),
        })
    hidden = int(there.sum()) - len(rows)
    rows.sort(key=lambda row: (-int(row["level"]), str(row["place"])))
    have = [row for row in rows if row["value"] is not None]
    given: dict[str, Any] = {"members": len(rows), "with_a_value": len(have)}
    if hidden:
        given["private_members"] = "counted in groups, not listed"
    found: dict[str, Any] = {"from": "members"}
    if isinstance(family, MajorEventDays):
        found = system_of(family, number_of, members[there], now_min)
    if isinstance(family, Consumption):
        valued = members[there & ~np.isnan(values)]
        found |= per_head(family, place, column, number_of, valued)
    if isinstance(family, DemandPeaks):
        found = _coincident(family, place, number_of, members[there], now_min, built)
    step = Step(f"area: {entry.area}", _RULES[entry.area], given, found, "docs/indicators.md")
    cover = [row["cov"] or 0.0 for row in rows]
    rule = "three quarters of the members" if entry.area in _SUMS else "any member"
    coverage = Coverage(float(np.sum(cover)), float(len(rows)), "members", rule)
    return Account([step], coverage), rows[:MEMBERS_MAX]


def _under(built: Reconstruction, place: int, places: list[int]) -> Bools:
    """Which members are in the area: neighbours that they are held against need not be."""
    keys = built.vitals.registry.keys
    return np.array([
        keys[place].district in ("", keys[one].district) for one in places
    ], np.bool_)


def _coincident(
    family: DemandPeaks, place: int, day: int, members: Integers, now_min: int,
    built: Reconstruction,
) -> dict[str, Any]:
    """The largest block of each day of the month, and the members' part in the largest of all."""
    [row] = family.month.rows([place])
    days, peaks, ends, sums, complete, blocks = family.month.table[row]
    rows: list[list[Any]] = [
        [date.fromordinal(of).isoformat(), float(peaks[of % PEAK_DAYS]),
         int(ends[of % PEAK_DAYS]) * 60_000, float(sums[of % PEAK_DAYS]),
         int(complete[of % PEAK_DAYS]), int(blocks[of % PEAK_DAYS])]
        for of in range(month_start(day), day + 1) if days[of % PEAK_DAYS] == of
    ]
    found: dict[str, Any] = {
        "columns": ["day", "kw", "end_ms", "sum_kw", "complete", "blocks"],
        "days": [row for row in rows if row[4]],
        "without_a_block": [row for row in rows if not row[4]],
    }
    rows = found["days"]
    if rows:
        at = max(rows, key=lambda row: (row[1], -row[2]))[2] // 60_000
        end = np.full(len(members), at, np.int64)
        window = (end + family.members.shift[members]) // BLOCK_MIN - 1
        parts = family.source.blocks(members, window, built.vitals.panes).value[:, 0]
        registry = built.vitals.registry
        found |= {
            "peak_end_ms": at * 60_000, "needed": SUM_SHARE_MIN,
            "parts": {
                registry.keys[family.members.places[member]].path: number(float(part))
                for member, part in zip(members.tolist(), parts, strict=True)
                if family.members.places[member] not in registry.private
            },
        }
    return found
