-- Who was imported is looked for in the log (infrastructure/uninvited.py).
CREATE INDEX events_imported ON events (position) WHERE topic = 'account.imported';

-- Files that the secretariat brought, until a worker has taken them over (infrastructure/import_jobs.py).
CREATE TABLE imports (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('accounts', 'records', 'portfolio')),
    dry_run boolean NOT NULL,
    names jsonb NOT NULL, -- how the file calls columns
    actor uuid NOT NULL,
    state text NOT NULL DEFAULT 'arriving' CHECK (state IN ('arriving', 'waiting', 'running', 'done', 'failed')),
    attempts int NOT NULL DEFAULT 0,
    leased_until timestamptz,
    line bigint NOT NULL DEFAULT 0, -- the last one done
    lines bigint NOT NULL DEFAULT 0,
    read bigint NOT NULL DEFAULT 0,
    added bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX imports_unfinished ON imports (created_at) WHERE state IN ('waiting', 'running');
CREATE INDEX imports_created_at ON imports (created_at);

-- The file itself, sealed piece by piece; gone when it is done.
CREATE TABLE import_pieces (
    id uuid PRIMARY KEY, -- what the piece is sealed for
    import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
    number int NOT NULL,
    sealed bytea NOT NULL,
    UNIQUE (import_id, number)
);

-- Lines that were not taken, and why; never what a cell held.
CREATE TABLE import_refusals (
    import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
    number bigint NOT NULL,
    line bigint NOT NULL,
    field text,
    code text NOT NULL,
    details jsonb NOT NULL,
    PRIMARY KEY (import_id, number)
);
