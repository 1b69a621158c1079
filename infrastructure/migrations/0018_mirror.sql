-- The register may be a mirror of the institution's own (docs/records.md). What a record was when it was read last, as a
-- digest: one that is the same is not read again. NULL: of a file, or changed since by somebody else.
ALTER TABLE records ADD source_digest bytea;
CREATE FUNCTION forget_source_digest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.source_digest := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER forget_source_digest BEFORE UPDATE ON records FOR EACH ROW
    WHEN (OLD.source_digest IS NOT NULL AND NEW.source_digest IS NOT DISTINCT FROM OLD.source_digest
        AND (OLD.ahv_number, OLD.family_name, OLD.given_name, OLD.birth_name, OLD.birth_date, OLD.sex, OLD.street, OLD.postal_code,
            OLD.city, OLD.canton, OLD.email, OLD.phone)
        IS DISTINCT FROM (NEW.ahv_number, NEW.family_name, NEW.given_name, NEW.birth_name, NEW.birth_date, NEW.sex, NEW.street,
            NEW.postal_code, NEW.city, NEW.canton, NEW.email, NEW.phone))
    EXECUTE FUNCTION forget_source_digest();

-- How the mirror stands: one row, where there is one. mark: by which the source knows what was read last.
CREATE TABLE records_mirror (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    source text NOT NULL, -- without what is secret in its address
    mark text,
    tried_at timestamptz NOT NULL,
    read_at timestamptz, -- the last time that all was read, or that nothing had changed
    records bigint,
    refused jsonb NOT NULL DEFAULT '{}', -- how many records were not taken, by field and reason
    fault text, -- of the last try
    detail text,
    since timestamptz -- the first try with a fault, of those that followed one another
);

-- Records that the register has made one with another.
CREATE TABLE merged_records (
    record_number text PRIMARY KEY,
    merged_into text NOT NULL
);

-- Records that are new, gone, or no longer what decisions may rest on, whoever wrote them; looked at once and deleted.
-- identity: what a link is decided on has changed, or there is no such record any more.
CREATE TABLE changed_records (
    record_number text PRIMARY KEY,
    identity boolean NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE FUNCTION note_changed_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changed_records (record_number, identity) SELECT record_number, true FROM written ORDER BY record_number
        ON CONFLICT (record_number) DO UPDATE SET identity = true, noted_at = excluded.noted_at;
    RETURN NULL;
END $$;
CREATE TRIGGER note_new_records AFTER INSERT ON records REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_records();
CREATE TRIGGER note_lost_records AFTER DELETE ON records REFERENCING OLD TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_records();
CREATE FUNCTION note_changed_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changed_records AS known (record_number, identity) VALUES (NEW.record_number,
        (OLD.ahv_number, OLD.family_name, OLD.given_name, OLD.birth_name, OLD.birth_date)
        IS DISTINCT FROM (NEW.ahv_number, NEW.family_name, NEW.given_name, NEW.birth_name, NEW.birth_date))
        ON CONFLICT (record_number) DO UPDATE
        SET identity = known.identity OR excluded.identity, noted_at = excluded.noted_at;
    RETURN NULL;
END $$;
CREATE TRIGGER note_changed_record AFTER UPDATE ON records FOR EACH ROW
    WHEN ((OLD.ahv_number, OLD.family_name, OLD.given_name, OLD.birth_name, OLD.birth_date, OLD.email)
        IS DISTINCT FROM (NEW.ahv_number, NEW.family_name, NEW.given_name, NEW.birth_name, NEW.birth_date, NEW.email))
    EXECUTE FUNCTION note_changed_record();
