-- Links in mails: digests of their tokens. request: the version of the account's event that the link was sent for; whether
-- that is still the one that counts, the account knows.
CREATE TABLE links (
    digest bytea PRIMARY KEY,
    kind text NOT NULL,
    account_id uuid NOT NULL,
    request bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX links_expires_at ON links (expires_at);

-- A former address is reserved for its account until then: nobody is found by it, and nobody else may have it.
ALTER TABLE lookup ADD reserved_until timestamptz;
CREATE INDEX lookup_reserved_until ON lookup (reserved_until) WHERE reserved_until IS NOT NULL;

-- Stands beside each hash, so that a session that is being opened sees it: locked or closed accounts let nobody in.
ALTER TABLE credentials ADD barred text CHECK (barred IN ('locked', 'closed'));

ALTER TABLE sessions ADD device text, ADD network text;

ALTER TABLE outbox DROP CONSTRAINT outbox_recipient_check;
ALTER TABLE outbox ADD CHECK (recipient IN ('holder', 'record', 'system', 'new', 'previous'));

-- A chosen password may be the first that somebody signs in with: after a reset before the initial one was used.
UPDATE credentials SET used_at = now() WHERE kind = 'chosen';
