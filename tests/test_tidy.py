"""House rules as a test: says which rule broke where.

Layers, doors, names, sizes, and what must not stand in a file. The rules are data at the top;
an exception to one is a line here, with its reason.
"""

import ast
import gc
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("edge", "engine", "ingest", "dashboards", "cityvitals")
MAY_IMPORT = {
    **{room: set(LAYERS[: i + 1]) for i, room in enumerate(LAYERS)},
    "simulators": {"edge", "simulators"},
    "benchmarks": {*LAYERS, "simulators", "benchmarks"},
    "tests": {*LAYERS, "simulators", "benchmarks", "tests"},
}
MAY_IMPORT["cityvitals"] |= {"simulators", "benchmarks"}  # the front door opens on every room
ROOMS = set(MAY_IMPORT)
SOURCE_ROOMS = (*LAYERS, "simulators")

THIRD_PARTY = {
    "edge": {"msgspec", "paho", "serial"},
    "engine": {"llvmlite", "msgspec", "numba", "numpy"},
    "ingest": {"influxdb_client", "msgspec", "numba", "numpy", "paho", "urllib3"},
    "dashboards": {"aiohttp", "aiomqtt", "grafana_client", "msgspec", "numpy", "requests"},
    "simulators": {"msgspec", "numpy"},
    "cityvitals": {"msgspec", "numpy", "rich", "typer"},
}
"""What each room may take from outside."""

DOORS = {
    "aiohttp": "dashboards/server.py",
    "aiomqtt": "dashboards/devices.py",
    "grafana_client": "dashboards/grafana_api.py",
    "influxdb_client": "ingest/influx.py",
    "llvmlite": "engine/raw_bytes.py",
    "paho": "edge/connection.py",
    "requests": "dashboards/grafana_api.py",
    "serial": "edge/plantower.py",
    "urllib3": "ingest/influx.py",
}
"""The one file that imports a dependency and translates its errors."""

LINES_MAX = 400
TEST_LINES_MAX = 550
"""A test file may be longer: its cases are read one at a time."""
FUNCTION_LINES_MAX = 70
WORDS_OF_FILES = {"utils", "util", "common", "helpers", "helper", "misc"}
WORDS_OF_CLASSES = ("Manager", "Service", "Handler", "Processor", "Engine")
UNSAFE_IMPORTS = {"pickle", "marshal", "shelve", "dill"}
UNSAFE_CALLS = {"eval", "exec"}
PROGRAM_TOPS = {"main", "run"}
"""The functions in which `except Exception` may stand, once a file, and must exit."""

# Spelled in parts, so that this file does not break its own rule.
OUTSIDE = ("/" + "work/", "shared" + "/", ".lib" + "rary")
MARKS = ("TO" + "DO", "FIX" + "ME", "XX" + "X")

LOOKED_AT = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef,
    ast.ExceptHandler, ast.Call,
)

WITHOUT_A_TEST = {
    "cityvitals/__main__.py": "two lines; every test of the command runs it",
    "engine/pollutants.py": "names of rows alone",
}
"""Source files without `tests/test_<file>.py`, with the reason."""


def _files(pattern: str = "*.py") -> list[Path]:
    """Tracked and new files, as git sees them: nothing that is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", pattern],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()
    found = [Path(name) for name in listed if not name.startswith(".venv/")]
    return sorted(path for path in set(found) if (ROOT / path).is_file())


SOURCES = [path for path in _files() if path.parts[0] in SOURCE_ROOMS]
PYTHON = [path for path in _files() if path.parts[0] in ROOMS]


@pytest.fixture(autouse=True, scope="module")
def _trees_are_kept() -> Iterator[None]:
    """To look for garbage in trees while they grow takes longer than to read them."""
    gc.disable()
    yield
    gc.enable()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


@cache
def _nodes(path: Path) -> list[ast.AST]:
    """What the rules look at, of all that a file holds."""
    return [node for node in ast.walk(_tree(path)) if isinstance(node, LOOKED_AT)]


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and first part of every import, at whatever depth it stands."""
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." if node.level else (node.module or "").split(".")[0]


def _report(broken: list[str]) -> None:
    assert not broken, "\n" + "\n".join(broken)


def test_rooms_import_only_from_rooms_to_their_left() -> None:
    _report([
        f"{path}:{line}: {path.parts[0]} must not import {name}"
        for path in PYTHON
        for line, name in _imports(path)
        if name == "." or (name in ROOMS and name not in MAY_IMPORT[path.parts[0]])
    ])


def test_rooms_take_from_outside_only_what_is_theirs() -> None:
    _report([
        f"{path}:{line}: {path.parts[0]} must not import {name}"
        for path in SOURCES
        for line, name in _imports(path)
        if name not in ROOMS and name not in sys.stdlib_module_names
        and name not in THIRD_PARTY[path.parts[0]]
    ])


def test_every_dependency_has_one_door() -> None:
    _report([
        f"{path}:{line}: {name} is imported only in {DOORS[name]}"
        for path in SOURCES
        for line, name in _imports(path)
        if name in DOORS and path.as_posix() != DOORS[name]
    ])


def test_base_names_are_unique() -> None:
    names = [path for path in PYTHON if not path.stem.startswith("__")]
    count = Counter(path.name for path in names)
    _report([f"{path}: the name stands twice" for path in names if count[path.name] > 1])


def test_files_and_functions_have_a_size_one_can_read() -> None:
    broken = []
    for path in PYTHON:
        lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
        limit = TEST_LINES_MAX if path.parts[0] == "tests" else LINES_MAX
        if lines > limit:
            broken.append(f"{path}: {lines} lines, at most {limit}")
        for node in _nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > FUNCTION_LINES_MAX:
                    broken.append(f"{path}:{node.lineno}: {node.name} has {size} lines")
    _report(broken)


def test_names_say_what_a_thing_is() -> None:
    broken = [
        f"{path}: a name that says nothing"
        for path in PYTHON if WORDS_OF_FILES & set(path.stem.split("_"))
    ]
    broken += [
        f"{path}:{node.lineno}: class {node.name}"
        for path in SOURCES for node in _nodes(path)
        if isinstance(node, ast.ClassDef) and node.name.endswith(WORDS_OF_CLASSES)
    ]
    _report(broken)


def _catches_everything(node: ast.ExceptHandler) -> bool:
    if node.type is None:
        return True
    names = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(isinstance(name, ast.Name) and name.id == "Exception" for name in names)


def _reraises(node: ast.ExceptHandler) -> bool:
    return isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None


def test_everything_is_caught_only_at_the_top_of_a_program() -> None:
    broken = []
    for path in SOURCES:
        tree = _tree(path)
        tops = [
            node for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name in PROGRAM_TOPS
        ]
        inside = {id(node) for top in tops for node in ast.walk(top)}
        found = [
            node for node in _nodes(path)
            if isinstance(node, ast.ExceptHandler)
            and _catches_everything(node) and not _reraises(node)
        ]
        broken += [
            f"{path}:{node.lineno}: `except Exception` outside main or run"
            for node in found if id(node) not in inside
        ]
        broken += [f"{path}:{node.lineno}: a second `except Exception`" for node in found[1:]]
    _report(broken)


def test_nothing_unsafe_is_called() -> None:
    broken = [
        f"{path}:{line}: imports {name}"
        for path in PYTHON for line, name in _imports(path) if name in UNSAFE_IMPORTS
    ]
    broken += [
        f"{path}:{node.lineno}: calls {node.func.id}"
        for path in PYTHON for node in _nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        and node.func.id in UNSAFE_CALLS
    ]
    _report(broken)


KINDS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _said_by_protocols() -> set[str]:
    """Methods that a Protocol of ours documents: who implements it need not say it again."""
    classes = [
        node for path in SOURCES for node in _tree(path).body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    ]
    return {
        method.name for node in classes for method in node.body
        if isinstance(method, KINDS) and ast.get_docstring(method) is not None
    }


def _public_without_docstring(path: Path, said: set[str]) -> Iterator[str]:
    tree = _tree(path)
    if ast.get_docstring(tree) is None:
        yield f"{path}: the file has no docstring"
    for node in tree.body:
        if not isinstance(node, KINDS) or node.name.startswith("_"):
            continue
        inner = node.body if isinstance(node, ast.ClassDef) else []
        methods = [
            one for one in inner
            if isinstance(one, KINDS) and not one.name.startswith("_") and one.name not in said
        ]
        for one in (node, *methods):
            if ast.get_docstring(one) is None:
                yield f"{path}:{one.lineno}: {one.name} has no docstring"


def test_public_things_say_what_they_are() -> None:
    said = _said_by_protocols()
    _report([line for path in SOURCES for line in _public_without_docstring(path, said)])


def test_nothing_points_outside_the_project_or_to_later() -> None:
    endings = ("*.py", "*.md", "*.toml", "*.sh", "*.js", "*.css", "*.html", "*.json", "Makefile")
    broken = []
    for path in sorted({path for ending in endings for path in _files(ending)}):
        if "vendor" in path.parts:
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            broken += [f"{path}:{number}: names {word}" for word in OUTSIDE if word in line]
            broken += [f"{path}:{number}: {word}" for word in MARKS if word in line.split()]
    _report(broken)


def test_comments_hold_no_code() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "ERA", "--output-format", "concise",
         *sorted(ROOMS & {path.parts[0] for path in PYTHON})],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_source_file_has_its_test_file() -> None:
    _report([
        f"{path}: no tests/test_{path.name}" for path in SOURCES
        if path.name != "__init__.py" and path.as_posix() not in WITHOUT_A_TEST
        and not (ROOT / "tests" / f"test_{path.name}").is_file()
    ])


def test_exceptions_are_still_needed() -> None:
    gone = [name for name in WITHOUT_A_TEST if not (ROOT / name).is_file()]
    tested = [
        name for name in WITHOUT_A_TEST if (ROOT / "tests" / f"test_{Path(name).name}").is_file()
    ]
    doors = [door for door in DOORS.values() if not (ROOT / door).is_file()]
    _report([f"{name}: not needed any more" for name in gone + tested + doors])


def test_nothing_is_tracked_that_is_ignored() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-ci", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()
    assert not listed, f"{len(listed)} files are tracked although ignored, first {listed[0]}"
