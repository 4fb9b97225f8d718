CREATE TABLE dead (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, reason TEXT NOT NULL, topic TEXT NOT NULL,
    bytes INTEGER NOT NULL, payload BLOB NOT NULL);
CREATE TABLE held (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    topic TEXT NOT NULL, payload BLOB NOT NULL, readings INTEGER NOT NULL,
    received_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL);
CREATE INDEX held_due ON held (due_ns, device, epoch, seq);
PRAGMA application_id = 1129728344;
PRAGMA user_version = 1;
