-- Records are found by more keys (domain/blocking.py): those made before are let go of, and `tick` makes them anew.
UPDATE records SET match_keys = NULL WHERE match_keys IS NOT NULL;
