-- Erasures that were proposed, until they are done and after; what they were decided on stands in the log.
CREATE TABLE erasures (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'done')),
    due_at timestamptz, -- an approved one waits for the person's last message no longer than this
    done_at timestamptz,
    swept_at timestamptz, -- when what was under way meanwhile was let go of, too
    CHECK ((state = 'proposed') = (due_at IS NULL)),
    CHECK ((state = 'done') = (done_at IS NOT NULL))
);
CREATE UNIQUE INDEX erasures_one_each ON erasures (account_id);
CREATE INDEX erasures_approved ON erasures (due_at) WHERE state = 'approved';
CREATE INDEX erasures_unswept ON erasures (done_at) WHERE state = 'done' AND swept_at IS NULL;

-- Whose answer it is that is kept; none for whoever is not signed in.
ALTER TABLE idempotency ADD account_id uuid;
