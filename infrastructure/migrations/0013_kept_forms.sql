-- What somebody had typed when the session had ended, sealed, for the same browser and account (infrastructure/kept_forms.py).
CREATE TABLE kept_forms (
    account_id uuid NOT NULL,
    browser bytea NOT NULL, -- a digest
    path text NOT NULL,
    sealed bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, browser, path)
);
CREATE INDEX kept_forms_expires_at ON kept_forms (expires_at);
