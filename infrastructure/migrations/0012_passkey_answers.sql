-- A question to a passkey is stored no more (infrastructure/passkey_questions.py): only that it was answered, until it
-- could not be answered any longer.
CREATE TABLE passkey_answers (
    attempt uuid PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX passkey_answers_expire ON passkey_answers (expires_at);

-- What is left there is for an account's new passkey in one session.
DELETE FROM passkey_challenges WHERE account_id IS NULL;
ALTER TABLE passkey_challenges ALTER account_id SET NOT NULL, ALTER session_id SET NOT NULL;
