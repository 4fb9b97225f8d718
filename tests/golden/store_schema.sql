-- application_id 1129730865
-- user_version 2
CREATE TABLE counter (seq INTEGER NOT NULL, forgotten INTEGER NOT NULL DEFAULT 0);
CREATE TABLE events (
  time_ms INTEGER NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL, indicator TEXT NOT NULL,
  severity TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (time_ms, path, kind, indicator, title, text)
) WITHOUT ROWID;
CREATE TABLE health (at_ms INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE last (
  sid INTEGER PRIMARY KEY, end_s INTEGER NOT NULL,
  value REAL NOT NULL, level INTEGER NOT NULL, cov REAL NOT NULL, n INTEGER NOT NULL,
  rev INTEGER NOT NULL, state INTEGER NOT NULL,
  p50 REAL, p95 REAL, max REAL, over INTEGER, known_ms INTEGER NOT NULL, seq INTEGER NOT NULL
);
CREATE TABLE latest (block INTEGER PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE open_points (block INTEGER PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE places (
  path TEXT PRIMARY KEY, city TEXT NOT NULL, district TEXT NOT NULL, station TEXT NOT NULL,
  name TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL, tz TEXT NOT NULL,
  length_km REAL NOT NULL, lanes INTEGER NOT NULL, posted_kmh REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE points_20414 (
  sid INTEGER NOT NULL, end_s INTEGER NOT NULL,
  value REAL NOT NULL, level INTEGER NOT NULL, cov REAL NOT NULL, n INTEGER NOT NULL,
  rev INTEGER NOT NULL, state INTEGER NOT NULL,
  p50 REAL, p95 REAL, max REAL, over INTEGER, known_ms INTEGER NOT NULL,
  PRIMARY KEY (sid, end_s)
) WITHOUT ROWID;
CREATE TABLE revisions (
  sid INTEGER NOT NULL, end_s INTEGER NOT NULL, rev INTEGER NOT NULL,
  old_value REAL, old_level INTEGER, value REAL NOT NULL, level INTEGER NOT NULL,
  cov REAL NOT NULL, n INTEGER NOT NULL, known_ms INTEGER NOT NULL,
  PRIMARY KEY (sid, end_s, rev)
) WITHOUT ROWID;
CREATE TABLE sensors (
  sensor INTEGER PRIMARY KEY, path TEXT NOT NULL, device TEXT NOT NULL, quantity TEXT NOT NULL,
  channel TEXT NOT NULL, UNIQUE (path, device, quantity, channel)
);
CREATE TABLE series (
  sid INTEGER PRIMARY KEY, path TEXT NOT NULL, indicator TEXT NOT NULL, UNIQUE (path, indicator)
);
CREATE INDEX last_seq ON last (seq);
CREATE INDEX latest_seq ON latest (seq);
CREATE INDEX open_points_seq ON open_points (seq);
