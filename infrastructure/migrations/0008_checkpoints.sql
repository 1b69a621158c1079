-- What the log committed itself to: its first `size` events have this root (infrastructure/checkpoints.py).
CREATE TABLE checkpoints (
    size bigint PRIMARY KEY,
    root bytea NOT NULL,
    note text NOT NULL, -- signed
    signed_at timestamptz NOT NULL,
    day date UNIQUE, -- the one that everybody may fetch, of that day in Switzerland
    left_at timestamptz -- when that one had left the house in every way that is asked for
);
CREATE INDEX checkpoints_signed_at ON checkpoints (signed_at);
