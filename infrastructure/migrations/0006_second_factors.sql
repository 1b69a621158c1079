-- What is asked for besides the password (infrastructure/totp.py, passkeys.py, recovery_codes.py).

-- A shared secret, from which a phone makes a new code every 30 seconds. Until a code was confirmed it expires.
CREATE TABLE totp_factors (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    secret bytea NOT NULL, -- sealed
    last_step bigint NOT NULL DEFAULT 0, -- no code of this time step, or of one before it, is taken again
    expires_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX totp_factors_account ON totp_factors (account_id);
CREATE INDEX totp_factors_expire ON totp_factors (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE passkeys (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    credential_id bytea NOT NULL UNIQUE,
    public_key bytea NOT NULL, -- COSE
    sign_count bigint NOT NULL,
    transports text[] NOT NULL,
    last_used_at timestamptz,
    barred text CHECK (barred IN ('locked', 'closed')) -- as with credentials
);
CREATE INDEX passkeys_account ON passkeys (account_id);

-- By what an authenticator knows an account: random, so that it tells nothing (WebAuthn, 14.6.1).
CREATE TABLE passkey_users (
    account_id uuid PRIMARY KEY,
    handle bytea NOT NULL UNIQUE
);

-- What an authenticator is to sign, once: for an account's new passkey in one session, or for whoever signs in.
CREATE TABLE passkey_challenges (
    id uuid PRIMARY KEY, -- the factor to be, or the attempt to sign in
    challenge bytea NOT NULL,
    account_id uuid,
    session_id uuid,
    expires_at timestamptz NOT NULL,
    CHECK ((account_id IS NULL) = (session_id IS NULL))
);
CREATE INDEX passkey_challenges_expire ON passkey_challenges (expires_at);

-- Keyed digests; each code lets its holder in once.
CREATE TABLE recovery_codes (
    account_id uuid NOT NULL,
    generation smallint NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (account_id, digest)
);

-- Long enough to be all that is asked for; all that were taken so far are.
ALTER TABLE credentials ADD long boolean NOT NULL DEFAULT true;
ALTER TABLE credentials ALTER long DROP DEFAULT;

-- Opened, or confirmed since, with a second factor.
ALTER TABLE sessions ADD second_factor boolean NOT NULL DEFAULT false;
