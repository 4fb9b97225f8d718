"""What holds for every test: no silent skips, and long ones only when asked for.

With CI=true a skipped test is a failed test: a missing server there is an error of the
installation, not a property of the machine. Elsewhere each skip is named at the end.
"""

import gc
import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

# A first call may wait for a compiler; nothing in the suite judges by time.
# A fifth of hypothesis' examples keeps the suite under ten minutes, and each run draws others;
# `make test ARGS=--hypothesis-profile=thorough` searches long.
settings.register_profile("untimed", settings(), deadline=None, max_examples=20)
settings.register_profile("thorough", settings(), deadline=None, max_examples=2000)
settings.load_profile("untimed")

IN_CI = os.environ.get("CI", "").lower() == "true"
_skipped: list[tuple[str, str]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak` runs the tests marked `soak`, and only those."""
    parser.addoption("--soak", action="store_true", help="run the long tests, and only those")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Read the tests without collecting garbage: a third of the time went into looking for it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests, or with `--soak` all others."""
    wanted = bool(config.getoption("--soak"))
    out = [item for item in items if (item.get_closest_marker("soak") is not None) != wanted]
    if out:
        config.hook.pytest_deselected(items=out)
        gone = set(out)
        items[:] = [item for item in items if item not in gone]


WHY = "why it was skipped"


def _judge_skip(report: Any) -> None:
    """Write the reason into the report, which a worker sends on; in CI the skip is a failure."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = str(reason).removeprefix("Skipped: ")
    report.sections.append((WHY, reason))
    if IN_CI:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """A skip inside a test or by its marker; an expected failure is not a skip."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _judge_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """A skip of a whole module."""
    report = yield
    if report.skipped:
        _judge_skip(report)
    return report


def _note_skip(report: Any) -> None:
    _skipped.extend((report.nodeid, text) for title, text in report.sections if title == WHY)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep a skip for the summary, from whichever worker it came."""
    _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Likewise a module that was skipped."""
    _note_skip(report)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name what was skipped and why."""
    if _skipped:
        verdict = "failed for it" if IN_CI else "not checked on this machine"
        terminalreporter.section(f"{len(_skipped)} skipped, {verdict}")
        for name, reason in _skipped:
            terminalreporter.write_line(f"{name}: {reason}")
