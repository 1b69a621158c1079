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
