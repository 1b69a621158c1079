-- Records are found by the keys that domain/blocking.py makes of them: numbers that an index holds. NULL is "not made yet".
ALTER TABLE records ADD match_keys bigint[];
CREATE INDEX records_match_keys ON records USING gin (match_keys) WITH (fastupdate = off);
CREATE INDEX records_without_keys ON records (record_number) WHERE match_keys IS NULL;

-- Whoever changes what the keys are made of lets them go; they are made anew by whoever imported, or by `tick`.
CREATE FUNCTION forget_match_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.match_keys := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER forget_match_keys BEFORE UPDATE ON records FOR EACH ROW
    WHEN ((OLD.family_name, OLD.given_name, OLD.birth_name, OLD.birth_date, OLD.street, OLD.postal_code, OLD.email, OLD.phone)
        IS DISTINCT FROM
        (NEW.family_name, NEW.given_name, NEW.birth_name, NEW.birth_date, NEW.street, NEW.postal_code, NEW.email, NEW.phone))
    EXECUTE FUNCTION forget_match_keys();

-- How many people of the register bear a name, by the forms it is met in (domain/normal_forms.py); counted by the import.
-- Of the field `people` there is one row, whose form is empty: how many there are in all.
CREATE TABLE name_counts (
    field text COLLATE "C" NOT NULL,
    form text COLLATE "C" NOT NULL,
    bearers integer NOT NULL,
    PRIMARY KEY (field, form)
);

-- Records that may be somebody's. Each arm has its index; PostgreSQL, which cannot know how few records share a key, takes it
-- to be 5 of a thousand and would rather read the whole of a large register, compiling first how: both are forbidden here.
-- The first two arms need no keys: who was just written is found by them.
CREATE FUNCTION candidate_records(their_number text, their_birth_date date, their_names text[], their_keys bigint[])
    RETURNS SETOF records LANGUAGE plpgsql STABLE ROWS 20 SET enable_seqscan = off SET jit = off AS $$
BEGIN
    RETURN QUERY SELECT * FROM records
     WHERE ahv_number = their_number
        OR birth_date = their_birth_date AND (family_name_keys && their_names OR birth_name_keys && their_names)
        OR match_keys && their_keys;
END $$;
