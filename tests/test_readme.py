"""README and docs: every link leads somewhere, every command exists."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cityvitals.main import app
from edge.edge_program import EdgeSettings
from edge.settings import check

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def _headings(path: Path) -> set[str]:
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in found}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), f"{page}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in _headings(target), f"{page}: {link}"


def test_every_page_of_docs_is_in_its_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    decisions = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in decisions, page.name


def test_the_commands_of_make_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake (\w+)", readme))
    assert {"up", "test", "soak"} <= named
    for name in named:
        assert re.search(rf"^{name}:", makefile, re.M), f"make {name}"


def test_the_options_of_up_exist() -> None:
    pages = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    shown = subprocess.run(
        [sys.executable, "-m", "cityvitals", "up", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout
    for option in re.findall(r'make up[^`\n]* ARGS="([^"]+)"', pages):
        for word in option.split():
            assert not word.startswith("--") or word in shown, word


def _commands(page: Path) -> Iterator[str]:
    """Each `cityvitals …` of a page, from its shell blocks and from within its sentences."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    around = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    inline = re.findall(r"`((?:\.venv/bin/)?cityvitals [^`]+)`", around)
    for line in lines + inline:
        found = re.search(r"^(?:.*[\s/])?cityvitals ([a-z-][^|;&>#]*)", line)
        if found and not re.match(r"apt |useradd |mkdir |python3 ", line):
            yield found[1].strip()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_exists_with_its_options(page: Path) -> None:
    root: Any = typer.main.get_command(app)
    context = typer.Context(root)
    for text in _commands(page):
        command, words = root, shlex.split(text)
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            name = words.pop(0)
            command = command.get_command(context, name)
            if name.strip() == "…":  # whichever
                command = None
                break
            assert command is not None, f"{page}: cityvitals {text}: there is no {name}"
        if command is None:
            continue
        known = {name for option in command.get_params(context) for name in option.opts}
        for word in words:
            option = word.partition("=")[0]
            assert not option.startswith("--") or option in known, f"{page}: {text}: {option}"


def test_the_station_of_ten_minutes_has_a_file_that_loads() -> None:
    text = (ROOT / "docs" / "edge.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```$", text, re.M | re.S)
    plain, with_tls = map(tomllib.loads, blocks)
    for table in (plain, plain | with_tls):
        assert check(table, EdgeSettings, "edge.md").device == "pm-s1"


def test_pinned_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().splitlines()
    assert [pin for pin in wanted if pin.lower() not in pins] == []


def test_ci_runs_the_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in script
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100
