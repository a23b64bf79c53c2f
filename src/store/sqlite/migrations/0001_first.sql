-- The first layout. Times are nanoseconds since 1970 (so the store takes the years 1678 to 2261), objects' own small structures are JSON.

-- Metric, param and tag keys, written once each.
CREATE TABLE keys (
    key_id INTEGER PRIMARY KEY,
    key    TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE experiments (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    owner       TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('ACTIVE', 'COMPLETED', 'ARCHIVED')),
    tags        TEXT NOT NULL CHECK (json_valid(tags)),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    revision    INTEGER NOT NULL CHECK (revision >= 1)
) STRICT;
CREATE INDEX experiments_by_created ON experiments (created_at);

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY,
    run_id        TEXT NOT NULL UNIQUE,
    experiment_id INTEGER NOT NULL REFERENCES experiments (id),
    name          TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'KILLED')),
    artifacts     TEXT NOT NULL CHECK (json_valid(artifacts)),
    source        TEXT NOT NULL CHECK (json_valid(source)),
    mlflow        TEXT CHECK (mlflow IS NULL OR json_valid(mlflow)),
    created_at    INTEGER NOT NULL,
    started_at    INTEGER,
    ended_at      INTEGER,
    heartbeat_at  INTEGER,
    updated_at    INTEGER NOT NULL,
    revision      INTEGER NOT NULL CHECK (revision >= 1)
) STRICT;
CREATE INDEX runs_by_created ON runs (created_at);
CREATE INDEX runs_by_experiment ON runs (experiment_id, created_at);
CREATE INDEX runs_by_status ON runs (status, created_at);
CREATE INDEX runs_by_started ON runs (started_at);
CREATE INDEX runs_by_name ON runs (name COLLATE NOCASE);

-- Params ('P') and tags ('T') of runs; number is the value where it reads as one, so that it can be compared and sorted as one.
CREATE TABLE run_attributes (
    run    INTEGER NOT NULL REFERENCES runs (id),
    kind   TEXT NOT NULL CHECK (kind IN ('P', 'T')),
    key_id INTEGER NOT NULL REFERENCES keys (key_id),
    value  TEXT NOT NULL,
    number REAL,
    PRIMARY KEY (run, kind, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_attributes_by_number ON run_attributes (kind, key_id, number, run);

-- One row for each metric of each run: its latest point, which lists sort and filter by, and the summary of the points that do not fill
-- a rollup yet. A value that is NULL is NaN (SQLite keeps no NaN;
-- and -0.0 comes back as 0.0, which is equal).
CREATE TABLE series (
    run             INTEGER NOT NULL REFERENCES runs (id),
    key_id          INTEGER NOT NULL REFERENCES keys (key_id),
    count           INTEGER NOT NULL CHECK (count >= 1),
    latest_step     INTEGER NOT NULL,
    latest_ts       INTEGER NOT NULL,
    latest_value    REAL,
    open_first_step INTEGER,
    open_last_step  INTEGER,
    open_low        REAL,
    open_high       REAL,
    open_last       REAL,
    open_non_finite INTEGER NOT NULL,
    PRIMARY KEY (run, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX series_by_value ON series (key_id, latest_value, run);

-- Every point in the order of its arrival; series is its parent, but checking a foreign key for each point would double the cost of one.
CREATE TABLE points (
    run    INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    step   INTEGER NOT NULL,
    ts     INTEGER NOT NULL,
    value  REAL,
    PRIMARY KEY (run, key_id, seq)
) STRICT, WITHOUT ROWID;

-- Summaries of each 16, 256 and 4096 points (levels 1, 2 and 3), so that a chart of any length reads a few thousand rows.
CREATE TABLE rollups (
    run        INTEGER NOT NULL,
    key_id     INTEGER NOT NULL,
    level      INTEGER NOT NULL CHECK (level BETWEEN 1 AND 3),
    chunk      INTEGER NOT NULL,
    first_step INTEGER NOT NULL,
    last_step  INTEGER NOT NULL,
    low        REAL,
    high       REAL,
    last       REAL,
    non_finite INTEGER NOT NULL,
    PRIMARY KEY (run, key_id, level, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
    id            INTEGER PRIMARY KEY,
    model_name    TEXT NOT NULL REFERENCES models (name),
    version       TEXT NOT NULL,
    stage         TEXT NOT NULL CHECK (stage IN ('None', 'Staging', 'Production', 'Archived')),
    run_id        TEXT,
    source        TEXT,
    metrics       TEXT NOT NULL CHECK (json_valid(metrics)),
    params        TEXT NOT NULL CHECK (json_valid(params)),
    tags          TEXT NOT NULL CHECK (json_valid(tags)),
    description   TEXT NOT NULL,
    registered_by TEXT NOT NULL,
    checklist     TEXT NOT NULL CHECK (json_valid(checklist)),
    decisions     TEXT NOT NULL CHECK (json_valid(decisions)),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    revision      INTEGER NOT NULL CHECK (revision >= 1),
    UNIQUE (model_name, version)
) STRICT;
-- A model has one version in Production.
CREATE UNIQUE INDEX one_production_version ON versions (model_name) WHERE stage = 'Production';
CREATE INDEX versions_by_created ON versions (created_at);
CREATE INDEX versions_by_run ON versions (run_id) WHERE run_id IS NOT NULL;

-- An alias names one version of a model.
CREATE TABLE aliases (
    model_name TEXT NOT NULL,
    alias      TEXT NOT NULL,
    version_id INTEGER NOT NULL REFERENCES versions (id),
    PRIMARY KEY (model_name, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_version ON aliases (version_id);

CREATE TABLE policy (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    policy   TEXT NOT NULL CHECK (json_valid(policy)),
    revision INTEGER NOT NULL CHECK (revision >= 1)
) STRICT;

CREATE TABLE drift_events (
    id            INTEGER PRIMARY KEY,
    event_id      TEXT NOT NULL UNIQUE,
    model_name    TEXT NOT NULL,
    version       TEXT NOT NULL,
    environment   TEXT CHECK (environment IN ('DEV', 'STAGING', 'PRODUCTION')),
    metric        TEXT NOT NULL,
    baseline      REAL,
    observed      REAL,
    score         REAL,
    threshold     REAL,
    baseline_size INTEGER,
    observed_size INTEGER,
    severity      TEXT NOT NULL CHECK (severity IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    state         TEXT NOT NULL CHECK (state IN ('OPEN', 'ACKNOWLEDGED', 'RESOLVED')),
    count         INTEGER NOT NULL CHECK (count >= 1),
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    note          TEXT,
    decided_by    TEXT,
    updated_at    INTEGER NOT NULL,
    revision      INTEGER NOT NULL CHECK (revision >= 1),
    FOREIGN KEY (model_name, version) REFERENCES versions (model_name, version)
) STRICT;
CREATE INDEX drift_events_by_last_seen ON drift_events (last_seen_at);
CREATE INDEX drift_events_by_version ON drift_events (model_name, version);
-- While an event is not resolved, the same measure counts on it.
CREATE UNIQUE INDEX one_unresolved_drift_event
    ON drift_events (model_name, version, ifnull(environment, ''), metric) WHERE state <> 'RESOLVED';

CREATE TABLE deployments (
    id             INTEGER PRIMARY KEY,
    deployment_id  TEXT NOT NULL UNIQUE,
    model_name     TEXT NOT NULL,
    version        TEXT NOT NULL,
    environment    TEXT NOT NULL CHECK (environment IN ('DEV', 'STAGING', 'PRODUCTION')),
    status         TEXT NOT NULL CHECK (status IN ('PENDING', 'ACTIVE', 'FAILED', 'TERMINATED')),
    endpoint       TEXT CHECK (endpoint IS NULL OR json_valid(endpoint)),
    health_check   TEXT CHECK (health_check IS NULL OR json_valid(health_check)),
    health         TEXT NOT NULL CHECK (health IN ('HEALTHY', 'UNHEALTHY', 'UNKNOWN')),
    health_history TEXT NOT NULL CHECK (json_valid(health_history)),
    rollback_from  TEXT REFERENCES deployments (deployment_id),
    deployed_by    TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    activated_at   INTEGER,
    ended_at       INTEGER,
    reason         TEXT,
    updated_at     INTEGER NOT NULL,
    revision       INTEGER NOT NULL CHECK (revision >= 1),
    FOREIGN KEY (model_name, version) REFERENCES versions (model_name, version)
) STRICT;
CREATE INDEX deployments_by_created ON deployments (created_at);
CREATE INDEX deployments_by_version ON deployments (model_name, version);
-- I1.
CREATE UNIQUE INDEX one_active_deployment ON deployments (model_name, environment) WHERE status = 'ACTIVE';
-- I7.
CREATE TRIGGER deployments_move_legally BEFORE UPDATE OF status ON deployments
WHEN OLD.status <> NEW.status
    AND NOT (OLD.status = 'PENDING' AND NEW.status IN ('ACTIVE', 'FAILED', 'TERMINATED'))
    AND NOT (OLD.status = 'ACTIVE' AND NEW.status IN ('FAILED', 'TERMINATED'))
BEGIN
    SELECT RAISE(ABORT, 'a deployment does not move so');
END;

-- I4: entries are only ever added.
CREATE TABLE audit (
    seq       INTEGER PRIMARY KEY CHECK (seq >= 1),
    at        INTEGER NOT NULL,
    identity  TEXT NOT NULL CHECK (json_valid(identity)),
    action    TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('EXPERIMENT', 'RUN', 'MODEL_VERSION', 'DRIFT_EVENT', 'DEPLOYMENT', 'POLICY', 'STORE')),
    object    TEXT NOT NULL,
    before    TEXT NOT NULL CHECK (json_valid(before)),
    after     TEXT NOT NULL CHECK (json_valid(after)),
    reason    TEXT,
    prev_hash TEXT NOT NULL,
    hash      TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_object ON audit (kind, object);
CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- Replacing an entry would delete it without the trigger below being asked.
CREATE TRIGGER audit_follows_its_head BEFORE INSERT ON audit
WHEN NEW.seq <> (SELECT seq + 1 FROM audit_head)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;

-- The end of the log, remembered beside it, so that a cut end is noticed.
CREATE TABLE audit_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
INSERT INTO audit_head VALUES (1, 0, 'sha256:0000000000000000000000000000000000000000000000000000000000000000');
CREATE TRIGGER audit_head_moves_forward BEFORE UPDATE ON audit_head WHEN NEW.seq <> OLD.seq + 1
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
