-- Attempts that were made of late (infrastructure/throttle.py). After a crash it is empty, and everybody begins anew.
CREATE UNLOGGED TABLE buckets (
    key bytea PRIMARY KEY, -- keyed digest of whom it is about
    size int NOT NULL,
    refill interval NOT NULL, -- in which one attempt comes back
    growing boolean NOT NULL,
    open_at timestamptz NOT NULL, -- when the next attempt may be made
    full_at timestamptz NOT NULL -- when all attempts will have come back, and the row can go
) WITH (fillfactor = 70); -- room for the next version of a row beside it

-- When a bucket opens again after one more attempt. full_at: before it.
CREATE FUNCTION opens_at(now timestamptz, full_at timestamptz, size int, refill interval, growing boolean)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT growing THEN greatest(full_at, now) - (size - 2) * refill
        WHEN missing < size THEN now - refill -- before any other attempt of this moment, by whatever clock
        ELSE now + least(power(2, least(missing - size, 30)) * interval '1 second', refill)
    END
    FROM (
        SELECT 1 + ceil(extract(epoch FROM greatest(full_at, now) - now) / extract(epoch FROM refill))::float8 AS missing
    ) AS counted
$$;

-- Browsers in which an account's holder signed in before, by a digest of the secret in their cookie.
CREATE TABLE devices (
    digest bytea PRIMARY KEY,
    account_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL
);
CREATE INDEX devices_account ON devices (account_id, last_seen_at);
