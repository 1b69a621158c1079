-- Statistics count by day which mails left and which did not.
CREATE INDEX outbox_settled ON outbox (settled_at, state)
    WHERE state IN ('sent', 'bounced', 'failed') AND recipient <> 'system';
