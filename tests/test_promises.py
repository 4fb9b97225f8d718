"""The page of promises names tests that are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "promises.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)))


@cache
def functions(file: str) -> set[str]:
    """Names of the tests of a file."""
    text = (TESTS / file).read_text(encoding="utf-8")
    return {node.name for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_it_is_there(file: str, name: str) -> None:
    assert name in functions(file)


def test_each_promise_names_a_test_or_says_that_it_has_none() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| promise")]
    assert len(promises) > 50
    silent = [row for row in promises if "::test_" not in row and "no test" not in row]
    assert silent == []
