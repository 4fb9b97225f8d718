"""The tables of the embedded store, format 2, and the statements that fill them.

One table a UTC day (of the window end) for closed points, so that a day is dropped at once and
one series of a day lies together. Times are Unix seconds for windows, milliseconds elsewhere.
"""

from ingest.sqlite_file import Kind

VERSION = 2
DAY_S = 86_400

_POINT = """
  value REAL NOT NULL, level INTEGER NOT NULL, cov REAL NOT NULL, n INTEGER NOT NULL,
  rev INTEGER NOT NULL, state INTEGER NOT NULL,
  p50 REAL, p95 REAL, max REAL, over INTEGER, known_ms INTEGER NOT NULL"""

_NOW = f"""CREATE TABLE last (
  sid INTEGER PRIMARY KEY, end_s INTEGER NOT NULL,{_POINT}, seq INTEGER NOT NULL
);
CREATE INDEX last_seq ON last (seq);
CREATE TABLE open_points (block INTEGER PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX open_points_seq ON open_points (seq);
CREATE TABLE sensors (
  sensor INTEGER PRIMARY KEY, path TEXT NOT NULL, device TEXT NOT NULL, quantity TEXT NOT NULL,
  channel TEXT NOT NULL, UNIQUE (path, device, quantity, channel)
);
CREATE TABLE latest (block INTEGER PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX latest_seq ON latest (seq);"""
"""What stands now: newest closed points, windows in progress and latest readings, the last two as
`ingest.store_now` packs them."""

SCHEMA = f"""
CREATE TABLE counter (seq INTEGER NOT NULL, forgotten INTEGER NOT NULL DEFAULT 0);
CREATE TABLE series (
  sid INTEGER PRIMARY KEY, path TEXT NOT NULL, indicator TEXT NOT NULL, UNIQUE (path, indicator)
);
{_NOW}
CREATE TABLE revisions (
  sid INTEGER NOT NULL, end_s INTEGER NOT NULL, rev INTEGER NOT NULL,
  old_value REAL, old_level INTEGER, value REAL NOT NULL, level INTEGER NOT NULL,
  cov REAL NOT NULL, n INTEGER NOT NULL, known_ms INTEGER NOT NULL,
  PRIMARY KEY (sid, end_s, rev)
) WITHOUT ROWID;
CREATE TABLE places (
  path TEXT PRIMARY KEY, city TEXT NOT NULL, district TEXT NOT NULL, station TEXT NOT NULL,
  name TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL, tz TEXT NOT NULL,
  length_km REAL NOT NULL, lanes INTEGER NOT NULL, posted_kmh REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE health (at_ms INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE events (
  time_ms INTEGER NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL, indicator TEXT NOT NULL,
  severity TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (time_ms, path, kind, indicator, title, text)
) WITHOUT ROWID;
"""

POINT_COLUMNS = ("value", "level", "cov", "n", "rev", "state", "p50", "p95", "max", "over")
STATION_COLUMNS, AREA_COLUMNS = POINT_COLUMNS[:6], POINT_COLUMNS[6:]
"""What all points have, and what those of stations have not: NULL there, `over` -1."""
_COLUMNS = ", ".join(POINT_COLUMNS)
_PACKED = f"""
ALTER TABLE counter ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
ALTER TABLE last RENAME TO were;
DROP INDEX last_seq;
{_NOW}
INSERT INTO last SELECT sid, end_s, {_COLUMNS}, known_ms, seq FROM were WHERE open = 0;
DROP TABLE were;
DROP TABLE readings;
"""
"""To format 2. Latest readings and windows in progress are said again when ingest begins."""
STORE = Kind("the store", 0x43565331, VERSION, SCHEMA, (_PACKED,))
_MARKS = ", ".join("?" * len(POINT_COLUMNS))


FIND_SERIES = "SELECT sid FROM series WHERE path = ? AND indicator = ?"
NEVER_MS = (1 << 63) - 1
SELECT_EVENTS = (
    "SELECT * FROM events WHERE time_ms < ? AND path GLOB ? ORDER BY time_ms DESC LIMIT ?"
)
ROWS_AT_ONCE = 76
LAST_AT_ONCE = 64
"""Rows of one statement: half the cost of one by one, and below 999 values, which is what older
builds of SQLite take."""


def day_table(day: int) -> str:
    """Table of the day that is `day` days after 1970-01-01, for example `points_20416`."""
    return f"points_{int(day):05d}"


def create_day(day: int) -> str:
    """Statement that makes the table of a day."""
    return (
        f"CREATE TABLE IF NOT EXISTS {day_table(day)} (\n"
        f"  sid INTEGER NOT NULL, end_s INTEGER NOT NULL,{_POINT},\n"
        "  PRIMARY KEY (sid, end_s)\n) WITHOUT ROWID"
    )


def span(day: int) -> str:
    """path, indicator, value, level, cov of the stations' points of a day between two ends."""
    return (
        "SELECT series.path, series.indicator, value, level, cov"
        f" FROM series CROSS JOIN {day_table(day)} AS point ON point.sid = series.sid"
        " WHERE substr(series.path, -2) <> '/_' AND end_s BETWEEN ? AND ?"
    )


def put_points(day: int) -> str:
    """sid, end_s, the point's columns, known_ms."""
    return (
        f"INSERT OR REPLACE INTO {day_table(day)} (sid, end_s, {_COLUMNS}, known_ms)"
        f" VALUES (?, ?, {_MARKS}, ?)"
    )


def put_several(day: int, names: tuple[str, ...], rows: int) -> str:
    """known_ms, then of each row sid, end_s and the columns `names`; an absent `over` is -1."""
    over = "" if "over" in names else ", -1"
    marks = f"(?1, {', '.join('?' * (2 + len(names)))}{over})"
    return (
        f"INSERT OR REPLACE INTO {day_table(day)}"
        f" (known_ms, sid, end_s, {', '.join(names)}{', over' if over else ''})"
        f" VALUES {', '.join([marks] * rows)}"
    )


def put_revision(day: int) -> str:
    """sid, end_s, rev, value, level, cov, n, known_ms; keeps what the day table held before."""
    old = f"FROM {day_table(day)} WHERE sid = ?1 AND end_s = ?2"
    return (
        "INSERT OR IGNORE INTO revisions VALUES"
        f" (?1, ?2, ?3, (SELECT value {old}), (SELECT level {old}), ?4, ?5, ?6, ?7, ?8)"
    )


SELECT_OLD = "SELECT old_value, old_level FROM revisions WHERE sid = ? AND end_s = ? AND rev = ?"

_SET = ", ".join(f"{name} = excluded.{name}" for name in
                 ("end_s", *POINT_COLUMNS, "known_ms", "seq"))

_LAST_WIDTH = 4 + len(POINT_COLUMNS)


def put_last(rows: int) -> str:
    """Of each row sid, end_s, the point's columns, known_ms, seq. An older window changes nothing,
    and no two rows are of one series."""
    return (
        f"INSERT INTO last (sid, end_s, {_COLUMNS}, known_ms, seq) {_values(_LAST_WIDTH, rows)}"
        f" ON CONFLICT (sid) DO UPDATE SET {_SET} WHERE excluded.end_s >= last.end_s"
    )


def _values(width: int, rows: int) -> str:
    mark = f"({', '.join('?' * width)})"
    return f"VALUES {', '.join([mark] * rows)}"


CHANGED_POINTS = (
    f"SELECT path, indicator, end_s * 1000, {_COLUMNS}, known_ms, seq"
    " FROM last JOIN series USING (sid) WHERE last.seq > ? AND last.seq <= ? ORDER BY last.seq"
    " LIMIT ?"
)
SERIES_AFTER = "SELECT sid, path, indicator FROM series WHERE sid > ? ORDER BY sid"
SENSORS_AFTER = (
    "SELECT sensor, path, device, quantity, channel FROM sensors WHERE sensor > ? ORDER BY sensor"
)
