"""Templates of topics that are not ours: text with named parts, such as `tele/{device}/SENSOR`.

A part stands for text without a slash. A template says which filter to subscribe to, and of a topic
what its parts are.
"""

import re
from collections.abc import Mapping

from ingest.messages import TOPIC_CHARS_MAX

BRACES = "a part is a name of a-z, 0-9 and _ in braces, such as {device}"
_PART = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Template:
    """A template that can be true; `names` are its parts, `filter` what to subscribe to."""

    def __init__(self, text: str) -> None:
        """Raises ValueError saying what is wrong with `text`."""
        self.names = tuple(_PART.findall(text))
        wrong = _fault(text, self.names)
        if wrong:
            raise ValueError(wrong)
        self.filter = "/".join("+" if "{" in level else level for level in text.split("/"))
        pieces = _PART.split(text)
        pattern = "".join(
            f"(?P<{piece}>[^/]+)" if k % 2 else re.escape(piece) for k, piece in enumerate(pieces)
        )
        self._pattern = re.compile(pattern)

    def parts(self, topic: str) -> dict[str, str] | None:
        """The parts of a topic, or None if it does not fit."""
        found = self._pattern.fullmatch(topic)
        return found.groupdict() if found else None


def _fault(text: str, names: tuple[str, ...]) -> str:
    rest = _PART.sub("", text)
    rules = (
        (0 < len(text) <= TOPIC_CHARS_MAX, f"must have 1 to {TOPIC_CHARS_MAX} characters"),
        (not text.startswith(("cv/", "$")), "topics that begin with cv/ or $ are not for others"),
        (not set(rest) & set("+#"), "give parts a name in braces instead of + and #"),
        (not set(rest) & set("{}"), BRACES),
        (rest.isprintable(), "must be printable"),
        (0 < len(names) == len(set(names)),
         "must name at least one part, such as {device}, and each once"),
        ("}{" not in text, "between two parts there must be text"),
    )
    return next((words for holds, words in rules if not holds), "")


def fill(text: str, parts: Mapping[str, str]) -> str:
    """`text` with its parts put in."""
    return _PART.sub(lambda found: parts[found[1]], text)


def names_in(text: str) -> tuple[str, ...]:
    """The parts that `text` names. Raises ValueError if braces are left over."""
    if set(_PART.sub("", text)) & set("{}"):
        raise ValueError(BRACES)
    return tuple(_PART.findall(text))
