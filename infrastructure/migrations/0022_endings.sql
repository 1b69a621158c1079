-- When a file that is being sent was heard of last: one whose process was killed must not stay `running` for ever
-- (infrastructure/exports.py).
ALTER TABLE exports ADD COLUMN heard_at timestamptz;
UPDATE exports SET heard_at = started_at;
ALTER TABLE exports ALTER COLUMN heard_at SET NOT NULL;

-- Since when each generation of the master key has been the newest; the first is not here, nobody asks that
-- (infrastructure/rotation.py).
CREATE TABLE key_generations (
    generation smallint PRIMARY KEY,
    since timestamptz NOT NULL
);
