-- Sign-ins that failed, sealed, alike for every address, until a worker has made facts of them.
CREATE TABLE failed_sign_ins (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sealed bytea NOT NULL
);

-- How far the accesses have been written to a file or a syslog outside (infrastructure/access_shipping.py).
CREATE TABLE shipped (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL
);
