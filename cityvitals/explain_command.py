"""`cityvitals explain`: how a number came about, for people and, with --json, for programs."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

DATA = Path(".cityvitals")
_SHOWN_MAX = 12
"""Readings, members and panes printed of each list; --json has more."""


def explain(
    place: Annotated[
        str, typer.Argument(help="district/station, district/_ or _/_ for the city.")
    ],
    indicator: Annotated[str, typer.Argument(help="For example air.us_aqi; see docs.")],
    time: Annotated[
        str, typer.Option(metavar="TIME", help="Window that ends then or holds it: RFC 3339 or "
                          "Unix ms. Default: the newest closed one.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder that holds all data.")
    ] = DATA,
) -> None:
    """Explain a number: readings, what was left out and why, steps, standard, revisions.

    Reads the archive and the store, also while ingest runs. Exit status 1 if what the archive
    yields is not what was stored, 2 if there is no such place, indicator or time.
    """
    from edge.recorded import instant_ms
    from ingest.archive import ArchiveError
    from ingest.explain import ExplainError, Question
    from ingest.explain import explain as answer
    from ingest.store import StoreError

    try:
        time_ms = instant_ms(time) if time else None
    except (ValueError, OverflowError):
        print(f"cityvitals: --time {time!r}: write RFC 3339 with a zone, or Unix ms",
              file=sys.stderr)
        raise typer.Exit(2) from None
    try:
        found = answer(data, Question(place, indicator, time_ms))
    except (ExplainError, ArchiveError, StoreError) as error:
        print(f"cityvitals: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines(found)))
    raise typer.Exit(1 if found["equal"] is False and found["state"] != "open" else 0)


def lines(found: dict[str, Any]) -> list[str]:
    """The explanation as text."""
    from ingest.explain_rows import utc

    standard, window = found["standard"], found["window"]
    out = [
        f"{found['name']} at {found['place']}",
        f"  window    {utc(window['start_ms'])} to {utc(window['end_ms'])} ({window['zone']}), "
        f"{found['state']}" + (f", revision {found['rev']}" if found["rev"] else ""),
        f"  value     {_result(found)}",
        f"  standard  {standard['name']}; {standard['clause']}",
        f"            {standard['rule']}",
    ]
    out += [f"            {standard['url']}"] if standard["url"] else []
    out += [f"            unconfirmed: {text}" for text in standard["unconfirmed"]]
    cover = found["coverage"]
    out += [f"  coverage  {cover['had']:g} of {cover['owed']:g} {cover['of']}; {cover['rule']}",
            "", "Steps"]
    for k, step in enumerate(found["steps"], 1):
        out += [f"  {k}. {step['name']}: {step['formula']}",
                f"     given {_numbers(step['given'])}", f"     found {_numbers(step['found'])}"]
    out += _lists(found)
    out += ["", *(f"Note: {note}" for note in found["notes"])] if found["notes"] else []
    return out


def _result(found: dict[str, Any]) -> str:
    result = found["result"]
    if result is None:
        return "none: the engine says nothing of this window"
    if result["value"] is None:
        text = "insufficient data"
    else:
        text = f"{result['value']:.{found['digits']}f} {found['unit']} ({result['word']})"
    same = {True: "as stored", False: "NOT as stored", None: "not stored"}[found["equal"]]
    return f"{text}, n {result['n']}, coverage {result['cov']:.1%}; {same}"


def _numbers(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items()) or "-"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, dict):
        return "(" + _numbers(value) + ")"
    if isinstance(value, list):
        shown = " ".join(_short(item) for item in value[:_SHOWN_MAX])
        more = f" … {len(value) - _SHOWN_MAX} more" if len(value) > _SHOWN_MAX else ""
        return f"[{shown}{more}]"
    return "none" if value is None else str(value)


def _lists(found: dict[str, Any]) -> list[str]:
    """Readings used, members, readings left out, revisions."""
    from ingest.explain_rows import utc

    out = ["", "Readings used"] if found["inputs"] else []
    for row in found["inputs"]:
        out.append(f"  {row['quantity']} of {row['device']} {row['channel']}".rstrip()
                   + f": {row['count']} readings, {row['late']} late, {row['suspect']} suspect")
        out += [f"    by the row since {utc(said['valid_from_ms'])}: {said['key']}, "
                f"{said['status']}" + (f", {said['note']}" if said["note"] else "")
                for said in row["rows"]]
        for reading in row.get("readings", [])[-_SHOWN_MAX:]:
            out.append(f"    {utc(reading[0])}  {reading[1]:g} {row['unit']}  {reading[3]}")
    members = found.get("members")
    if members is not None:
        out += ["", f"Members ({len(members)})"]
        for row in members[:_SHOWN_MAX]:
            out.append(f"  {row['place']}: {_short(row['value'])}, weight {_short(row['weight'])}")
        if len(members) > _SHOWN_MAX:
            out.append(f"  … {len(members) - _SHOWN_MAX} more, see --json")
    out += ["", "Left out"]
    for row in found["left_out"]:
        what = row["quantity"] or "the archive does not say which quantity"
        out.append(f"  {row['count']} of {row['device']} ({what}): {row['reason']}: {row['words']}")
    out += [] if found["left_out"] else ["  nothing"]
    if found["revisions"]:
        out += ["", "Revisions"]
        for row in found["revisions"]:
            out.append(f"  {row['rev']}, {utc(row['known_ms'])}: {_short(row['old_value'])} became "
                       f"{_short(row['value'])}; {row['cause']}")
    return out
