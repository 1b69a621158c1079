-- A postal code proposes its place.
CREATE INDEX records_postal_code ON records (postal_code, city);
