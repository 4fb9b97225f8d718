"""The words of the page: one flat JSON file a language under `static/texts`.

Server and page read the same file, so a sentence stands in one place. `{name}` in a text is
filled in; a missing key reads as the key itself, so that a gap in a translation shows.
"""

import json
from functools import cache
from pathlib import Path

STATIC = Path(__file__).with_name("static")


@cache
def load(language: str = "en") -> dict[str, str]:
    """All texts of `language`. Raises `FileNotFoundError` where there is no such file."""
    path = STATIC / "texts" / f"{language}.json"
    texts: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return texts


def say(key: str, **fills: object) -> str:
    """The text of `key` with `fills` put in."""
    return load().get(key, key).format(**fills)


def age(age_ms: float) -> str:
    """An age in words, in steps a reader needs: `9 s`, `4 min`, `2 h 05 min`, `3 d 4 h`."""
    seconds = max(0, int(age_ms // 1000))
    if seconds < 120:
        return say("age.s", s=seconds)
    minutes = seconds // 60
    if minutes < 120:
        return say("age.min", min=minutes)
    hours = minutes // 60
    if hours < 48:
        return say("age.h", h=hours, min=f"{minutes % 60:02d}")
    return say("age.d", d=hours // 24, h=hours % 24)
