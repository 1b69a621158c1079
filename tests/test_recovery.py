"""The way back: a mailed link for a new password, and two clerks where the mailbox is lost too."""

from uuid import uuid4

import pytest
from people import AURELIE_ADDRESS, CLERK, HOUR, MINUTE, NOON, OTHER_CLERK
from signing_in import MY_PASSWORD, alive, in_use, refused, signed_in, tried
from write_side import WriteSide

from domain import errors, policies
from domain.fact import NOWHERE, Whence

NEW_PASSWORD = "a barge on the canal at dawn"
NEW_ADDRESS = "aurelie.new@example.org"
WINDOWS = Whence("Firefox · Windows", "192.0.2.7")


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


@pytest.fixture
def account_id(here):
    return in_use(here)


def lost(here, email=AURELIE_ADDRESS):
    """Somebody says so at the door, and it is decided on."""
    here.recovery.request_reset(email, WINDOWS)
    assert here.decide.decide_waiting() == 1


def link(here, account_id):
    """As the worker that mails it makes it."""
    account = here.store.account(account_id)
    return here.recovery.reset_link(account, account.reset_request)


def reset(here, token, password=NEW_PASSWORD):
    return here.recovery.complete_reset(token, password, NOWHERE)


def dead(here, token):
    with pytest.raises(errors.LinkDead):
        reset(here, token)
    return True


def test_a_link_gives_a_new_password_once_and_ends_every_session(here, account_id):
    sessions = [signed_in(here, MY_PASSWORD, kind) for kind in ("cookie", "bearer")]
    lost(here)
    token = link(here, account_id)

    reset(here, token)

    assert not any(alive(here, session.token) for session in sessions)
    assert refused(here, MY_PASSWORD)
    assert signed_in(here, NEW_PASSWORD)
    assert dead(here, token)


def test_the_browser_that_chose_the_password_is_known_from_then_on(here, account_id):
    known = signed_in(here, MY_PASSWORD).device
    lost(here)
    _, device = reset(here, link(here, account_id))
    while tried(here, "a guess") != "too-many-requests":
        pass
    assert tried(here, NEW_PASSWORD, device=known) == "too-many-requests"
    assert tried(here, NEW_PASSWORD, device=device) == "in"


def test_asking_alone_changes_nothing(here, account_id):
    session = signed_in(here, MY_PASSWORD)
    lost(here)
    link(here, account_id)
    assert alive(here, session.token)
    assert signed_in(here, MY_PASSWORD)


def test_a_link_dies_after_an_hour(here, account_id):
    lost(here)
    token = link(here, account_id)
    here.clock.goes_on(HOUR)
    assert dead(here, token)


def test_a_newer_request_kills_the_links_of_older_ones_and_a_retry_of_the_same_does_not(here, account_id):
    lost(here)
    older, retry = link(here, account_id), link(here, account_id)
    lost(here)
    newer = link(here, account_id)
    assert dead(here, older)
    assert dead(here, retry)
    retried = link(here, account_id)
    reset(here, newer)
    assert dead(here, retried)


def test_a_link_that_is_mailed_after_a_newer_request_is_dead(here, account_id):
    lost(here)
    first = here.store.account(account_id).reset_request
    lost(here)
    late = here.recovery.reset_link(here.store.account(account_id), first)
    assert dead(here, late)


def test_a_link_dies_with_a_change_of_password(here, account_id):
    lost(here)
    token = link(here, account_id)
    session = signed_in(here, MY_PASSWORD)
    found = here.sessions.find(session.token, NOON)
    here.accounts.change_password(
        account_id, MY_PASSWORD, "another horse battery", session_id=found.session_id, kind="cookie"
    )
    assert dead(here, token)


def test_a_refused_password_leaves_the_link_as_it_was(here, account_id):
    lost(here)
    token = link(here, account_id)
    with pytest.raises(errors.PasswordTooShort):
        reset(here, token, "short")
    reset(here, token)


def test_a_reset_works_before_the_initial_password_was_used_and_kills_it(here):
    account_id = here.opened()
    initial = here.accounts.issue_initial_password(account_id)
    lost(here)
    reset(here, link(here, account_id))
    assert refused(here, initial)
    assert here.store.account(account_id).state == "requested"
    signed_in(here, NEW_PASSWORD)
    assert here.store.account(account_id).state == "active"


def test_an_address_without_an_account_leaves_nothing_behind(here):
    lost(here, "nobody@example.org")
    assert here.rows("SELECT count(*) FROM events") == [(0,)]
    assert here.rows("SELECT count(*) FROM intake") == [(0,)]


def test_after_five_requests_in_an_hour_more_are_passed_over_in_silence(here, account_id):
    before = here.store.account(account_id).version
    for _ in range(7):
        lost(here)
    assert here.store.account(account_id).version == before + 5
    here.clock.goes_on(HOUR + MINUTE)
    lost(here)
    assert here.store.account(account_id).version == before + 6


def test_a_locked_account_is_not_opened_by_a_link(here, account_id):
    lost(here)
    token = link(here, account_id)
    here.standings.lock(account_id, reason="suspected-misuse", note=None, actor=CLERK)
    with pytest.raises(errors.AccountLocked):
        reset(here, token)


def test_another_accounts_link_does_nothing_to_this_one(here, account_id):
    other = in_use(here, "other@example.org")
    lost(here)
    reset(here, link(here, account_id))
    assert signed_in(here, MY_PASSWORD, email="other@example.org").account_id == other


# --- the mailbox is lost too


def propose(here, account_id, actor=CLERK, email=NEW_ADDRESS):
    return here.recovery.propose(account_id, email, reason="mailbox-lost", note="Seen.", actor=actor)[0]


def test_a_second_clerk_approves_and_the_new_mailbox_gets_a_link(here, account_id):
    session = signed_in(here, MY_PASSWORD)
    proposal = propose(here, account_id)
    assert here.store.account(account_id).email == AURELIE_ADDRESS

    here.recovery.approve(proposal, actor=OTHER_CLERK)

    assert not alive(here, session.token)
    assert here.store.account(account_id).email == NEW_ADDRESS
    reset(here, link(here, account_id))
    assert signed_in(here, NEW_PASSWORD, email=NEW_ADDRESS).account_id == account_id
    assert here.topics(account_id)[-4:-1] == [
        "account.recovery-approved",
        "account.email-changed",
        "account.password-reset-requested",
    ]


def test_the_lost_mailbox_may_object_for_seven_days(here, account_id):
    here.recovery.approve(propose(here, account_id), actor=OTHER_CLERK)
    account = here.store.account(account_id)
    changed = account.version - 1
    back = here.address_changes.objection_link(account, changed)
    here.address_changes.object(back, NOWHERE)
    account = here.store.account(account_id)
    assert (account.email, account.state) == (AURELIE_ADDRESS, "locked")


def test_nobody_approves_their_own_proposal_or_recovers_their_own_account(here, account_id):
    proposal = propose(here, account_id)
    with pytest.raises(errors.SamePerson):
        here.recovery.approve(proposal, actor=CLERK)
    with pytest.raises(errors.OwnAccount):
        here.recovery.approve(proposal, actor=account_id)
    with pytest.raises(errors.OwnAccount):
        propose(here, account_id, actor=account_id)
    assert here.store.account(account_id).email == AURELIE_ADDRESS


def test_a_proposal_is_approved_once_and_only_the_newest(here, account_id):
    older, newer = propose(here, account_id), propose(here, account_id)
    for dead_one in (older, uuid4()):
        with pytest.raises(errors.RecoveryUnknown):
            here.recovery.approve(dead_one, actor=OTHER_CLERK)
    here.recovery.approve(newer, actor=OTHER_CLERK)
    with pytest.raises(errors.RecoveryUnknown):
        here.recovery.approve(newer, actor=OTHER_CLERK)


def test_a_proposal_is_approved_within_seven_days_and_not_once_its_holder_found_the_way_in(here, account_id):
    late = propose(here, account_id)
    here.clock.goes_on(policies.RECOVERY_PROPOSAL)
    assert here.store.account(account_id).open_recovery(here.clock.now()) is None
    with pytest.raises(errors.RecoveryLapsed):
        here.recovery.approve(late, actor=OTHER_CLERK)
    needless = propose(here, account_id)
    lost(here)
    reset(here, link(here, account_id))
    with pytest.raises(errors.RecoveryLapsed):
        here.recovery.approve(needless, actor=OTHER_CLERK)
    changed = propose(here, account_id)
    session = here.sessions.find(signed_in(here, NEW_PASSWORD).token, here.clock.now())
    here.accounts.change_password(
        account_id, NEW_PASSWORD, "another horse battery", session_id=session.session_id, kind="cookie"
    )
    with pytest.raises(errors.RecoveryLapsed):
        here.recovery.approve(changed, actor=OTHER_CLERK)
    here.recovery.approve(propose(here, account_id), actor=OTHER_CLERK)
    assert here.store.account(account_id).email == NEW_ADDRESS


def test_an_address_that_somebody_has_is_not_proposed(here, account_id):
    in_use(here, NEW_ADDRESS)
    with pytest.raises(errors.EmailTaken):
        propose(here, account_id)
