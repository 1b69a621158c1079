-- The log and what is changed in an event's transaction. Read models make their own tables (projections/).

CREATE FUNCTION refuse(reason text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'MT001', MESSAGE = reason;
END $$;

-- One log, one order. position: see infrastructure/event_store.py. account_id: whose key seals the event.
CREATE TABLE events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    account_id uuid,
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.5, autovacuum_analyze_scale_factor = 0.05);
CREATE UNIQUE INDEX events_position ON events (position);

CREATE FUNCTION events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or removed';
END $$;
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_stay();
REVOKE UPDATE, DELETE, TRUNCATE ON events FROM CURRENT_USER; -- even the owner would have to take it back first

-- Added to transaction ids, so that positions go on after a restore into a younger cluster.
CREATE TABLE log_offset (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    shift bigint NOT NULL DEFAULT 0
);
INSERT INTO log_offset DEFAULT VALUES;

-- A person's data key, wrapped by the master key of that generation. Without it the person is erased.
CREATE TABLE data_keys (
    person uuid PRIMARY KEY,
    generation smallint NOT NULL,
    wrapped bytea NOT NULL
);

-- What must be found or be unique without being readable: keyed digests, one row for each live key generation.
CREATE TABLE lookup (
    kind text NOT NULL,
    generation smallint NOT NULL,
    digest bytea NOT NULL,
    account_id uuid NOT NULL
);
CREATE UNIQUE INDEX lookup_one_holder ON lookup (kind, generation, digest) WHERE kind IN ('email', 'record');
CREATE INDEX lookup_digest ON lookup (kind, generation, digest) WHERE kind NOT IN ('email', 'record');
CREATE INDEX lookup_account ON lookup (account_id, kind);

-- Password hashes. Copies of an initial password share a salt: one hash run is compared with all of them.
CREATE TABLE credentials (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('initial', 'chosen')),
    hash text NOT NULL,
    expires_at timestamptz,
    used_at timestamptz
);
CREATE INDEX credentials_account ON credentials (account_id);
CREATE UNIQUE INDEX credentials_one_chosen ON credentials (account_id) WHERE kind = 'chosen';

CREATE TABLE sessions (
    digest bytea PRIMARY KEY,
    id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('cookie', 'bearer')),
    csrf_token text,
    initial_password boolean NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id);

CREATE TABLE roles (
    account_id uuid NOT NULL,
    role text NOT NULL,
    until date,
    PRIMARY KEY (account_id, role)
);

-- What strangers asked for at a public door, sealed, alike for every address, until a worker has decided.
CREATE TABLE intake (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sealed bytea NOT NULL
);

CREATE TABLE idempotency (
    digest bytea PRIMARY KEY, -- of caller, method, path and key
    request bytea NOT NULL, -- digest of the body
    status smallint,
    headers jsonb,
    body bytea, -- sealed
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_made_at ON idempotency (made_at);

-- What leaves the service. Derived from events once and never again; a row is unique per cause, kind and recipient.
CREATE TABLE outbox (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    cause text NOT NULL,
    kind text NOT NULL,
    recipient text NOT NULL CHECK (recipient IN ('holder', 'record', 'system')),
    account_id uuid,
    position bigint,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'sent', 'done', 'bounced', 'failed', 'parked')),
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    last_error text,
    parked_for text CHECK (parked_for IN ('exhausted', 'restored')),
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    UNIQUE (cause, kind, recipient)
);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'waiting';
CREATE INDEX outbox_account ON outbox (account_id, created_at);
CREATE INDEX outbox_unsettled ON outbox (state) WHERE state NOT IN ('sent', 'done');

-- How far each read model has come, and the streams that one of them could not fold.
CREATE TABLE projections (
    name text PRIMARY KEY,
    version int NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE parked_streams (
    projection text NOT NULL,
    originator_id uuid NOT NULL,
    position bigint NOT NULL, -- of the first event that was not folded
    topic text NOT NULL,
    error text NOT NULL, -- a class name, never a text that could hold personal data
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, originator_id)
);

-- Which database this is: a restored dump finds itself elsewhere.
CREATE TABLE database_identity (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    system_identifier bigint NOT NULL,
    database_oid bigint NOT NULL
);
