"""Seeds for lives that are too long to be lived often: another one each run.

Hypothesis begins with the least example there is: one example of plain integers is 0 in every run.
"""

from hypothesis import Phase, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1).filter(lambda seed: seed.bit_count() > 2)
"""The least are filtered out, so the first that counts is drawn; a failure names it."""

RARELY = settings(
    max_examples=max(settings.default.max_examples // 25, 1), deadline=None,
    phases=[Phase.generate],
)
"""One example in the suite, 80 with `--hypothesis-profile=thorough`."""
