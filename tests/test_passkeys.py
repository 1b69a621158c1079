"""Passkeys, made and used by a device of the test: which answer lets a person in, and which does not."""

from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from authenticator import Authenticator, decoded, encoded
from enrolling import enrolled
from people import AURELIE_ADDRESS, DAY, MINUTE
from signing_in import MY_PASSWORD, a_session, change, signed_in
from spec import at_once
from write_side import PUBLIC_URL, WriteSide

from domain import errors
from domain.fact import NOWHERE
from infrastructure.passkeys import Site, StoredPasskeys
from infrastructure.tick import Tick

SESSION = UUID("66666666-6666-4666-8666-666666666666")
EVIL = "https://account.school.example.evil.example"
FOREIGN = [EVIL, "http://account.school.example", f"{PUBLIC_URL}:8443", "null", ""]
NO_CREDENTIALS = [  # what is changed about a right one
    {"id": 1},
    {"id": "é"},
    {"rawId": "!"},
    {"rawId": "AAAA"},
    {"type": "password"},
    {"response": {}},
    {"response": []},
    {"response": {"clientDataJSON": "", "attestationObject": ""}},
    {"response": {"clientDataJSON": "e30", "attestationObject": "oA"}},
]
NO_ANSWERS = [
    {"id": None},
    {"rawId": []},
    {"type": 1},
    {"response": None},
    {"response": {"signature": 1}},
]


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


@pytest.fixture
def account_id(here):
    """Aurélie, who has chosen her own password."""
    account_id = here.opened()
    issued = here.accounts.issue_initial_password(account_id)
    change(here, account_id, signed_in(here, issued), issued, MY_PASSWORD)
    a_session(here, account_id, SESSION)
    return account_id


@pytest.fixture
def other_id(here):
    """Somebody else, with the same password."""
    other_id = here.opened("other@example.org")
    issued = here.accounts.issue_initial_password(other_id)
    session = here.accounts.sign_in("other@example.org", issued, "cookie")
    change(here, other_id, session, issued, MY_PASSWORD)
    return other_id


@pytest.fixture
def device():
    return Authenticator(PUBLIC_URL)


@pytest.fixture
def passkey(here, account_id, device):
    """Aurélie's, on her device."""
    enrol(here, account_id, device)
    return device.passkeys[-1]


def begin(here, account_id: UUID, session_id: UUID = SESSION):
    return here.factors.begin_passkey(account_id, MY_PASSWORD, session_id=session_id)


def confirm(here, account_id: UUID, factor_id: UUID, credential, session_id: UUID = SESSION):
    return here.factors.confirm_passkey(account_id, factor_id, credential, "Laptop", session_id=session_id)


def enrol(here, account_id: UUID, device: Authenticator) -> UUID:
    factor_id, options = begin(here, account_id)
    confirm(here, account_id, factor_id, device.make(options))
    return factor_id


def enter(here, device: Authenticator, **forged):
    attempt, options = here.factors.ask_for_passkey()
    return here.accounts.sign_in_by_passkey(attempt, device.answer(options, **forged), "cookie")


def turned_away(here, attempt: UUID, credential) -> bool:
    with pytest.raises(errors.WrongCredentials):
        here.accounts.sign_in_by_passkey(attempt, credential, "cookie")
    return True


def refused(here, account_id: UUID, factor_id: UUID, credential) -> bool:
    with pytest.raises(errors.PasskeyRefused):
        confirm(here, account_id, factor_id, credential)
    assert here.factors.of(account_id) == ([], 0)
    return True


# --- enrolling


def test_a_device_is_asked_for_a_key_that_it_finds_again_and_whose_holder_it_verifies(here, account_id):
    _, options = begin(here, account_id)
    assert options["rp"] == {"id": "account.school.example", "name": "HEP"}
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["user"]["name"] == AURELIE_ADDRESS
    assert len(decoded(options["challenge"])) == 32


def test_a_device_knows_an_account_by_a_random_handle_that_stays(here, account_id, other_id):
    handles = [begin(here, who)[1]["user"]["id"] for who in (account_id, account_id, other_id)]
    assert handles[0] == handles[1] != handles[2]
    assert len(decoded(handles[0])) == 64


def test_a_passkey_that_is_there_is_named_so_that_its_device_makes_no_second(here, account_id, passkey):
    _, options = begin(here, account_id)
    (known,) = options["excludeCredentials"]
    assert (known["id"], known["transports"]) == (encoded(passkey.id), ["internal"])


def test_a_passkey_is_a_second_factor_with_recovery_codes(here, account_id, device):
    factor_id, options = begin(here, account_id)
    _, codes = confirm(here, account_id, factor_id, device.make(options))
    ((held,), left) = here.factors.of(account_id)
    assert (held.id, held.kind, held.label, left) == (factor_id, "passkey", "Laptop", len(codes) == 10 and 10)
    with pytest.raises(errors.SecondFactorNeeded) as needed:
        signed_in(here, MY_PASSWORD)
    assert needed.value.details == {"factors": ["passkey"]}
    assert here.accounts.sign_in(AURELIE_ADDRESS, MY_PASSWORD, "cookie", codes[0]).second_factor


def test_v6_3_4_a_passkey_made_on_another_site_is_refused(here, account_id):
    for origin in FOREIGN:
        factor_id, options = begin(here, account_id)
        assert refused(here, account_id, factor_id, Authenticator(origin).make(options)), origin


def test_a_passkey_made_for_another_site_is_refused(here, account_id, device):
    factor_id, options = begin(here, account_id)
    options["rp"]["id"] = "evil.example"
    assert refused(here, account_id, factor_id, device.make(options))


def test_a_device_that_does_not_verify_its_holder_is_refused(here, account_id):
    factor_id, options = begin(here, account_id)
    assert refused(here, account_id, factor_id, Authenticator(PUBLIC_URL, verifies=False).make(options))


def test_an_answer_to_another_challenge_is_refused(here, account_id, device):
    factor_id, options = begin(here, account_id)
    assert refused(
        here,
        account_id,
        factor_id,
        device.make(options | {"challenge": begin(here, account_id)[1]["challenge"]}),
    )


def test_a_challenge_is_good_for_one_answer_right_or_wrong(here, account_id, device):
    factor_id, options = begin(here, account_id)
    assert refused(here, account_id, factor_id, Authenticator(EVIL).make(options))
    with pytest.raises(errors.SecondFactorUnknown):
        confirm(here, account_id, factor_id, device.make(options))


def test_a_challenge_is_good_for_five_minutes(here, account_id, device):
    factor_id, options = begin(here, account_id)
    here.clock.goes_on(5 * MINUTE)
    with pytest.raises(errors.SecondFactorUnknown):
        confirm(here, account_id, factor_id, device.make(options))


def test_a_challenge_belongs_to_the_session_and_the_account_that_asked(here, account_id, other_id, device):
    for who, session_id in ((account_id, uuid4()), (other_id, SESSION), (other_id, uuid4())):
        factor_id, options = begin(here, account_id)
        with pytest.raises(errors.SecondFactorUnknown):
            confirm(here, who, factor_id, device.make(options), session_id)


def test_a_challenge_for_signing_in_enrols_nothing_and_one_for_enrolling_lets_nobody_in(
    here, account_id, passkey, device
):
    attempt, asked = here.factors.ask_for_passkey()
    _, options = begin(here, account_id)
    with pytest.raises(errors.SecondFactorUnknown):
        confirm(here, account_id, attempt, device.make(options | {"challenge": asked["challenge"]}))
    factor_id, options = begin(here, account_id)
    question = asked | {"challenge": options["challenge"]}
    assert turned_away(here, factor_id, device.answer(question, by=passkey))


def test_a_passkey_that_is_known_is_not_taken_for_another_account(
    here, account_id, other_id, passkey, device
):
    factor_id, options = begin(here, other_id)
    credential = device.make(options)
    with here.transaction() as cursor:
        cursor.execute("UPDATE passkeys SET credential_id = %s", (device.passkeys[-1].id,))
    assert refused(here, other_id, factor_id, credential)


def test_what_is_no_credential_is_refused(here, account_id, device):
    for broken in NO_CREDENTIALS:
        factor_id, options = begin(here, account_id)
        assert refused(here, account_id, factor_id, device.make(options) | broken), broken
    factor_id, _ = begin(here, account_id)
    assert refused(here, account_id, factor_id, {})


def test_a_credential_with_a_changed_byte_is_refused_or_anothers(here, account_id, device):
    """Whatever the library's own libraries raise. Which model a device is (16 bytes, from 67 on) nobody signs."""
    for place in (*range(0, 67, 3), *range(83, 200, 5)):
        factor_id, options = begin(here, account_id)
        credential = device.make(options)
        raw = bytearray(decoded(credential["response"]["attestationObject"]))
        raw[place % len(raw)] ^= 0xFF
        credential["response"]["attestationObject"] = encoded(bytes(raw))
        with suppress(errors.PasskeyRefused):
            confirm(here, account_id, factor_id, credential)
        attempt, question = here.factors.ask_for_passkey()
        assert turned_away(here, attempt, device.answer(question)), place


# --- signing in


def test_a_passkey_stands_for_password_and_second_factor(here, account_id, passkey, device):
    session = enter(here, device)
    assert (session.account_id, session.second_factor, session.initial_password) == (account_id, True, False)
    found = here.sessions.find(session.token, here.clock.now())
    assert (found.account_id, found.second_factor) == (account_id, True)


def test_the_question_is_the_same_for_everybody(here, passkey):
    _, options = here.factors.ask_for_passkey()
    assert options["rpId"] == "account.school.example"
    assert options["userVerification"] == "required"
    assert options["allowCredentials"] == []


def test_the_passkey_is_chosen_among_those_of_a_device(here, account_id, other_id, passkey, device):
    enrol(here, other_id, device)
    assert enter(here, device).account_id == other_id
    assert enter(here, device, by=passkey).account_id == account_id


def test_v6_3_4_what_a_passkey_signed_for_another_origin_lets_nobody_in(here, passkey, device):
    for origin in FOREIGN:
        attempt, options = here.factors.ask_for_passkey()
        assert turned_away(here, attempt, device.answer(options, origin=origin)), origin


def test_what_was_signed_for_another_site_lets_nobody_in(here, passkey, device):
    attempt, options = here.factors.ask_for_passkey()
    assert turned_away(here, attempt, device.answer(options | {"rpId": "evil.example"}))


def test_a_device_that_did_not_verify_its_holder_lets_nobody_in(here, passkey, device):
    device.verifies = False
    attempt, options = here.factors.ask_for_passkey()
    assert turned_away(here, attempt, device.answer(options))


def test_v6_3_4_a_passkeys_answer_that_was_heard_once_is_worth_nothing(here, passkey, device):
    attempt, options = here.factors.ask_for_passkey()
    heard = device.answer(options)
    assert here.accounts.sign_in_by_passkey(attempt, heard, "cookie")
    assert turned_away(here, attempt, heard)
    assert turned_away(here, here.factors.ask_for_passkey()[0], heard)


def test_whoever_answers_wrongly_takes_nobodys_question_away(here, passkey, device):
    attempt, options = here.factors.ask_for_passkey()
    assert turned_away(here, attempt, device.answer(options, origin=EVIL))
    assert here.accounts.sign_in_by_passkey(attempt, device.answer(options), "cookie")


def test_asking_stores_nothing_and_what_is_asked_cannot_be_foreseen(here, passkey):
    before = state_of(here)
    asked = [here.factors.ask_for_passkey() for _ in range(1000)]
    assert state_of(here) == before
    assert len({attempt for attempt, _ in asked}) == 1000
    assert len({options["challenge"] for _, options in asked}) == 1000
    assert {attempt.version for attempt, _ in asked} == {7}


def state_of(here) -> list[tuple]:
    tables = ("passkey_challenges", "passkey_answers", "buckets", "idempotency")
    return [here.rows(f"SELECT count(*) FROM {table}") for table in tables]


def test_a_question_is_good_for_five_minutes(here, passkey, device):
    attempt, options = here.factors.ask_for_passkey()
    here.clock.goes_on(5 * MINUTE)
    assert turned_away(here, attempt, device.answer(options))


def test_an_answer_is_noted_for_as_long_as_it_could_be_given_again(here, passkey, device):
    enter(here, device)
    here.clock.goes_on(4 * MINUTE)
    Tick(here.pool, here.clock).tidy()
    assert here.rows("SELECT count(*) FROM passkey_answers") == [(1,)]
    here.clock.goes_on(MINUTE)
    Tick(here.pool, here.clock).tidy()
    assert here.rows("SELECT * FROM passkey_answers") == []


@pytest.mark.parametrize("attempt", [uuid4(), UUID(int=0), UUID(int=2**128 - 1)])
def test_an_attempt_that_nobody_made_lets_nobody_in(here, passkey, device, attempt):
    _, options = here.factors.ask_for_passkey()
    assert turned_away(here, attempt, device.answer(options))


def test_a_question_whose_time_somebody_changed_lets_nobody_in(here, passkey, device):
    attempt, options = here.factors.ask_for_passkey()
    here.clock.goes_on(5 * MINUTE)
    later = UUID(int=attempt.int + (60_000 << 80))
    assert turned_away(here, later, device.answer(options))


def test_a_passkey_that_nobody_has_lets_nobody_in(here, account_id, passkey, device):
    device.make(begin(here, account_id)[1])  # never confirmed
    attempt, options = here.factors.ask_for_passkey()
    assert turned_away(here, attempt, device.answer(options))


def test_anothers_key_under_her_passkeys_name_lets_nobody_in(here, account_id, other_id, passkey, device):
    enrol(here, other_id, device)
    attempt, options = here.factors.ask_for_passkey()
    forged = device.answer(options)
    forged["id"] = forged["rawId"] = encoded(passkey.id)
    assert turned_away(here, attempt, forged)
    forged["response"]["userHandle"] = encoded(passkey.handle)
    attempt, options = here.factors.ask_for_passkey()
    assert turned_away(here, attempt, forged)


@pytest.mark.parametrize("handle", [None, "", "AAAA", "other"])
def test_an_answer_in_anothers_name_lets_nobody_in(here, account_id, other_id, passkey, device, handle):
    enrol(here, other_id, device)
    attempt, options = here.factors.ask_for_passkey()
    answer = device.answer(options, by=passkey)
    answer["response"]["userHandle"] = encoded(device.passkeys[-1].handle) if handle == "other" else handle
    assert turned_away(here, attempt, answer)


def test_a_count_that_goes_back_or_stands_still_is_a_copied_keys(here, passkey, device):
    assert enter(here, device)
    assert enter(here, device)
    for behind in (2, 1):
        passkey.sign_count -= behind
        attempt, options = here.factors.ask_for_passkey()
        assert turned_away(here, attempt, device.answer(options))
    passkey.sign_count = 10
    assert enter(here, device)


def test_of_two_answers_with_one_count_one_gets_in(here, passkey, device):
    answers = []
    for _ in range(2):
        attempt, options = here.factors.ask_for_passkey()
        answers.append((attempt, device.answer(options)))
        passkey.sign_count -= 1
    judged = [here.factors.check_passkey(*answer, here.clock.now()) for answer in answers]
    here.store.record(effects=judged[0][1].effects)
    with pytest.raises(errors.WrongCredentials):
        here.store.record(effects=judged[1][1].effects)


def test_a_device_that_does_not_count_is_taken(here, account_id):
    device = Authenticator(PUBLIC_URL, counts=False)
    enrol(here, account_id, device)
    assert enter(here, device)
    assert enter(here, device)


def test_of_many_who_send_the_same_answer_at_once_one_gets_in(here, passkey, device):
    attempt, options = here.factors.ask_for_passkey()
    heard = device.answer(options)

    def entered(_number: int) -> bool:
        try:
            return bool(here.accounts.sign_in_by_passkey(attempt, heard, "cookie"))
        except errors.WrongCredentials:
            return False

    assert sum(at_once(entered, 5)) == 1


def test_an_answer_that_is_none_is_refused_for_its_form(here, passkey, device):
    attempt, options = here.factors.ask_for_passkey()
    for broken in ({}, *(device.answer(options) | broken for broken in NO_ANSWERS)):
        with pytest.raises(errors.PasskeyRefused):
            here.accounts.sign_in_by_passkey(attempt, broken, "cookie")


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_a_changed_byte_lets_nobody_in(here, passkey, device, part):
    for place in range(37):
        attempt, options = here.factors.ask_for_passkey()
        answer = device.answer(options)
        raw = bytearray(decoded(answer["response"][part]))
        raw[place] ^= 0x40
        answer["response"][part] = encoded(bytes(raw))
        assert turned_away(here, attempt, answer), place


# --- no longer having it


def test_a_removed_passkey_lets_nobody_in(here, account_id, passkey, device):
    ((held,), _) = here.factors.of(account_id)
    here.factors.remove(account_id, held.id, MY_PASSWORD, session_id=a_session(here, account_id))
    attempt, options = here.factors.ask_for_passkey()
    assert turned_away(here, attempt, device.answer(options))
    assert signed_in(here, MY_PASSWORD)


def test_a_passkey_that_is_removed_while_it_signs_in_opens_nothing(here, account_id, passkey, device):
    enrolled(here, account_id, MY_PASSWORD)
    attempt, options = here.factors.ask_for_passkey()
    verified, _ = here.factors.check_passkey(attempt, device.answer(options), here.clock.now())
    session = here.sessions.open(verified, "cookie", NOWHERE, here.clock.now(), second_factor=True)
    ((held, _), _) = here.factors.of(account_id)
    here.factors.remove(account_id, held.id, MY_PASSWORD, session_id=a_session(here, account_id))
    with pytest.raises(errors.WrongCredentials):
        here.store.record(effects=[session.store])


def test_the_holder_sees_when_a_passkey_was_used(here, account_id, passkey, device):
    here.clock.goes_on(DAY)
    enter(here, device)
    ((held,), _) = here.factors.of(account_id)
    assert held.last_used_at == here.clock.now()


@pytest.mark.parametrize(
    ("public_url", "site", "origin"),
    [
        ("https://account.school.example:443", "account.school.example", "https://account.school.example"),
        (
            "https://account.school.example:8443",
            "account.school.example",
            "https://account.school.example:8443",
        ),
        ("http://localhost:8000", "localhost", "http://localhost:8000"),
    ],
)
def test_the_site_is_what_browsers_make_of_the_public_address(here, account_id, public_url, site, origin):
    passkeys = StoredPasskeys(here.pool, Site.of(public_url), name="HEP")
    factor_id, options = passkeys.begin(account_id, SESSION, AURELIE_ADDRESS, here.clock.now())
    assert options["rp"]["id"] == site
    credential = Authenticator(origin).make(options)
    assert passkeys.confirm(account_id, SESSION, factor_id, credential, here.clock.now())
