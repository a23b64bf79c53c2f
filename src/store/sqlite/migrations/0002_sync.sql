-- The mirror on an MLflow server. A change queues its copy in its own transaction; copies remember what is there and under which id.

-- Tells the copies of this store from those of others on the same server.
CREATE TABLE store_identity (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    store_id TEXT NOT NULL
) STRICT;
INSERT INTO store_identity VALUES (1, lower(hex(randomblob(16))));

-- The server that this store is mirrored to: one or none. The fingerprint is the server's own, so that another one at the same
-- address is noticed; NULL until the first contact.
CREATE TABLE sync_server (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    address         TEXT NOT NULL,
    fingerprint     TEXT,
    state           TEXT NOT NULL CHECK (state IN ('ONLINE', 'OFFLINE', 'REFUSED')),
    problem         TEXT,
    failures        INTEGER NOT NULL CHECK (failures >= 0),
    next_try_at     INTEGER,
    last_success_at INTEGER
) STRICT;

-- One row for each object that has something to be copied. `object` is its row, `part` the path of an artifact. `changes` counts, so that a
-- change that comes while the object is copied is not taken for copied.
CREATE TABLE sync_queue (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL CHECK (kind IN ('EXPERIMENT', 'RUN', 'ARTIFACT', 'MODEL_VERSION')),
    object      INTEGER NOT NULL,
    part        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('QUEUED', 'RETRY', 'DEAD')),
    changes     INTEGER NOT NULL,
    attempts    INTEGER NOT NULL CHECK (attempts >= 0),
    queued_at   INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL,
    reason      TEXT,
    UNIQUE (kind, object, part)
) STRICT;
CREATE INDEX sync_queue_due ON sync_queue (next_try_at) WHERE state <> 'DEAD';
CREATE INDEX sync_queue_dead ON sync_queue (id) WHERE state = 'DEAD';

-- What is on the server: its id there, and what was sent last.
CREATE TABLE sync_copies (
    kind   TEXT NOT NULL CHECK (kind IN ('EXPERIMENT', 'RUN', 'ARTIFACT', 'MODEL_VERSION')),
    object INTEGER NOT NULL,
    part   TEXT NOT NULL,
    remote TEXT NOT NULL,
    sent   TEXT NOT NULL CHECK (json_valid(sent)),
    PRIMARY KEY (kind, object, part)
) STRICT, WITHOUT ROWID;

-- How many points of a history are there.
CREATE TABLE sync_series (
    run    INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    sent   INTEGER NOT NULL CHECK (sent >= 0),
    PRIMARY KEY (run, key_id)
) STRICT, WITHOUT ROWID;

-- Who carries things over. A token never comes twice, so that one who lost the lease without noticing records nothing any more.
CREATE TABLE sync_lease (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    token      INTEGER NOT NULL,
    holder     TEXT,
    expires_at INTEGER NOT NULL
) STRICT;
INSERT INTO sync_lease VALUES (1, 0, NULL, 0);
