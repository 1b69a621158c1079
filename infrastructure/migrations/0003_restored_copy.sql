-- A restored copy keeps to itself what its original may have sent, until the operator releases it (matricule release):
-- requests up to this number, and what follows from events up to this position (infrastructure/boot.py).
ALTER TABLE database_identity ADD held_request bigint, ADD held_position bigint;

CREATE FUNCTION park_what_is_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.position <= (SELECT held_position FROM database_identity) THEN
        NEW.state := 'parked';
        NEW.parked_for := 'restored';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER park_what_is_held BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION park_what_is_held();
