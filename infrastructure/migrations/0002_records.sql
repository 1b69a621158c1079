-- The institution's register of persons, as imported: its own data, in clear. NULL is unknown.
-- The names' keys are the spellings they are compared by (domain/values.py), written with the names.
CREATE TABLE records (
    record_number text PRIMARY KEY,
    ahv_number text,
    family_name text,
    family_name_keys text[],
    given_name text,
    birth_name text,
    birth_name_keys text[],
    birth_date date,
    sex text,
    street text,
    postal_code text,
    city text,
    canton text,
    email text,
    phone text
);
CREATE INDEX records_ahv_number ON records (ahv_number);
CREATE INDEX records_birth_date ON records (birth_date);
