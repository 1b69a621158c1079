-- How far the log had come at an instant: of every so many events the position of the last, and the latest instant at
-- which it or an earlier one was recorded. Both only grow, so an instant's place is found without reading the log.
-- Made from the log, never changed; what is missing is made again (infrastructure/instants.py).
CREATE TABLE log_marks (
    position bigint PRIMARY KEY,
    instant timestamptz NOT NULL
);
CREATE INDEX log_marks_instant ON log_marks (instant, position);

-- What happened to one account, for whoever asks for that alone.
CREATE INDEX events_account ON events (account_id, position);

-- What left the house as a file: whose wish it was, what was in it, and the log's state it was taken from. The manifest
-- is signed when the last byte is sent (infrastructure/exports.py).
CREATE TABLE exports (
    id uuid PRIMARY KEY,
    by uuid NOT NULL,
    format text NOT NULL CHECK (format IN ('csv', 'jsonl')),
    filter jsonb NOT NULL,
    size bigint NOT NULL, -- of the checkpoint
    checkpoint text NOT NULL, -- the signed note
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'broken')),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    count bigint NOT NULL DEFAULT 0,
    sha256 text,
    first_position bigint,
    last_position bigint,
    manifest text
);
