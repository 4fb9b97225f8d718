"""The tables of the store as a golden file: a change of format shows here first."""

from pathlib import Path

from ingest import sqlite_file, store_schema

GOLDEN = Path(__file__).parent / "golden" / "store_schema.sql"


def schema_text(path: Path) -> str:
    """What SQLite says of a new store that has seen 2025-11-22."""
    connection = sqlite_file.create(path, store_schema.STORE)
    connection.execute(store_schema.create_day(20414))
    rows = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name")
    text = "".join(f"{sql};\n" for (sql,) in rows)
    numbers = [f"-- {pragma} {connection.execute(f'PRAGMA {pragma}').fetchone()[0]}\n"
               for pragma in ("application_id", "user_version")]
    connection.close()
    return "".join(numbers) + text


def test_golden_schema(tmp_path: Path) -> None:
    assert schema_text(tmp_path / "store.db") == GOLDEN.read_text(encoding="utf-8")


def test_days_are_named_by_number() -> None:
    assert store_schema.day_table(1_763_836_200 // store_schema.DAY_S) == "points_20414"
