"""A place is taken out of the store, down to the bytes of its file."""

from pathlib import Path

from ingest.store import Store
from ingest.store_rows import Reading
from tests.store_readings import write_readings


def test_nothing_of_a_place_is_left(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store.db")
    for path in ("north/casa", "north/public"):
        write_readings(store, [Reading(path, "d1", "power", "", 1000, 3.5, 1, 60.0)])
        store.write_event(1000, path, "restated", "", "info", "Title", "Text")
    assert store.forget(["north/casa"]) == []
    assert [row.path for row in store.readings()] == ["north/public"]
    assert [row.path for row in store.events(10)] == ["north/public"]
    store.close()
    assert b"north/casa" not in (tmp_path / "store.db").read_bytes()
