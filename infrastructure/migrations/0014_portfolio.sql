-- What the institution publishes about its records, as imported: its own data, in clear. NULL is unknown.
-- The bytes of a file lie in DOCUMENTS_DIR, under their SHA-256 (infrastructure/documents.py).
CREATE TABLE portfolio (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    record_number text NOT NULL,
    kind text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    title text,
    state text,
    starts date,
    ends date,
    ects numeric(5, 2),
    file text, -- its name
    media_type text,
    size bigint,
    sha256 text,
    revision integer NOT NULL DEFAULT 1, -- one more with each change
    UNIQUE (record_number, kind, number)
);

-- What is no longer new for an account: the revision of an item that it was shown last.
CREATE TABLE seen_items (
    account_id uuid NOT NULL,
    item_id uuid NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (account_id, item_id)
);
