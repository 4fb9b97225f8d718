"""Templates with named parts: what they fit, what they subscribe to, and which are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.messages import TOPIC_CHARS_MAX
from ingest.topic_template import Template, fill, names_in


@pytest.mark.parametrize(("text", "filter_", "topic", "parts"), [
    ("zigbee2mqtt/{device}", "zigbee2mqtt/+", "zigbee2mqtt/plug 1", {"device": "plug 1"}),
    ("tele/{device}/SENSOR", "tele/+/SENSOR", "tele/p1/SENSOR", {"device": "p1"}),
    ("v3/{app}@{tenant}/devices/{device}/up", "v3/+/devices/+/up", "v3/city@ttn/devices/a-7/up",
     {"app": "city", "tenant": "ttn", "device": "a-7"}),
    ("/json/k.y/{device}/attrs", "/json/k.y/+/attrs", "/json/k.y/d/attrs", {"device": "d"}),
])
def test_fits(text: str, filter_: str, topic: str, parts: dict[str, str]) -> None:
    template = Template(text)
    assert (template.filter, template.parts(topic)) == (filter_, parts)
    assert fill(text, parts) == topic


@pytest.mark.parametrize("topic", [
    "zigbee2mqtt", "zigbee2mqtt/", "zigbee2mqtt/a/availability", "zigbee2mqtt/a/",
    "x/zigbee2mqtt/a", "", "Zigbee2mqtt/a", "zigbee2mqtt/a\n/b",
])
def test_does_not_fit(topic: str) -> None:
    assert Template("zigbee2mqtt/{device}").parts(topic) is None


def test_a_dot_is_a_dot() -> None:
    assert Template("a.b/{device}").parts("axb/d") is None


@pytest.mark.parametrize(("text", "words"), [
    ("", "characters"), ("a/{b}" + "c" * TOPIC_CHARS_MAX, "characters"), ("cv/1/r/{d}", "cv/"),
    ("$SYS/{d}", "$"), ("a/+/{d}", "braces"), ("{d}/#", "braces"), ("a/{d", "in braces"),
    ("a/{D}", "in braces"), ("a/{d e}", "in braces"), ("a/b", "at least one"), ("{d}/{d}", "once"),
    ("{a}{b}", "text"), ("a\x00/{d}", "printable"), ("a\n/{d}", "printable"),
])
def test_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("$", r"\$")):
        Template(text)


def test_a_template_at_its_limit() -> None:
    name = "{d}/" + "c" * (TOPIC_CHARS_MAX - 4)
    assert Template(name).filter == "+/" + "c" * (TOPIC_CHARS_MAX - 4)


def test_names_of_a_text() -> None:
    assert names_in("z-{a}-{b_1}") == ("a", "b_1")
    with pytest.raises(ValueError, match="braces"):
        names_in("z-{a")


LEVEL = st.text(st.characters(exclude_characters="/{}+#", categories=("L", "N", "P")), min_size=1)


@given(st.lists(LEVEL, min_size=1, max_size=4), st.lists(LEVEL, min_size=1, max_size=4))
def test_what_is_filled_in_is_found_again(fixed: list[str], told: list[str]) -> None:
    count = min(len(fixed), len(told))
    text = "t/" + "/".join(f"{fixed[k]}/{{p{k}}}" for k in range(count))
    parts = {f"p{k}": told[k] for k in range(count)}
    assert Template(text).parts(fill(text, parts)) == parts
