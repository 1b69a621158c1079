-- Who was imported is looked for in the log (infrastructure/uninvited.py).
CREATE INDEX events_imported ON events (position) WHERE topic = 'account.imported';
