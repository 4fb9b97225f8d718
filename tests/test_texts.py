"""Words: ages, and that every text the page asks for is there."""

import re
from typing import get_args

import pytest

from dashboards import texts
from engine.indicator import Area


@pytest.mark.parametrize(("age_ms", "words"), [
    (-5, "0 s"), (0, "0 s"), (119_999, "119 s"), (120_000, "2 min"), (7_199_000, "119 min"),
    (7_200_000, "2 h 00 min"), (172_799_000, "47 h 59 min"), (172_800_000, "2 d 0 h"),
])
def test_ages_in_words(age_ms: int, words: str) -> None:
    assert texts.age(age_ms) == words


def test_a_missing_text_reads_as_its_key() -> None:
    assert texts.say("no.such.text", n=1) == "no.such.text"


def _asked() -> set[str]:
    page = (texts.STATIC / "index.html").read_text(encoding="utf-8")
    asked = set(re.findall(r'data-text="([^"]+)"', page))
    for path in (texts.STATIC / "js").glob("*.js"):
        asked |= set(re.findall(r'say\("([^"]+)"', path.read_text(encoding="utf-8")))
    for path in texts.STATIC.parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        asked |= {f"why.{code}" for code in re.findall(r'_reason\("(\w+)"', text)}
        asked |= {f"error.{code}" for code in re.findall(r'answers\.error\("(\w+)"', text)}
    return asked


def test_every_text_that_is_asked_for_exists() -> None:
    asked = _asked()
    assert len(asked) > 80
    assert asked - set(texts.load()) == set()


def test_every_word_of_the_data_has_its_text() -> None:
    wanted = {f"area.{rule}" for rule in get_args(Area)}
    wanted |= {f"trust.{word}" for word in ("good", "degraded", "bad")}
    wanted |= {f"flag.{flag}" for flag in (0, 1, 2, 3, 4, 9)}
    assert wanted - set(texts.load()) == set()


def test_no_text_is_there_for_nobody() -> None:
    sources = [*texts.STATIC.glob("js/*.js"), texts.STATIC / "index.html",
               *texts.STATIC.parent.glob("*.py")]
    everything = "".join(path.read_text(encoding="utf-8") for path in sources)
    # What is put together from a word of the data: the word must stand somewhere.
    unasked = {
        key for key in texts.load()
        if f'"{key}"' not in everything
        and not re.search(rf'["\'`.{{]{re.escape(key.split(".", 1)[1])}\b', everything)
        and not key.startswith(("area.", "event.", "flag.", "sensors.state.", "span.", "zoom.",
                               "error.http_"))
    }
    assert unasked == set()
