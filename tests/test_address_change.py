"""Another address for an account: what is asked, confirmed, objected to, and who has which address meanwhile."""

from uuid import uuid4

import pytest
from people import ADA_ID, AURELIE_ADDRESS, CLERK, DAY, HOUR, MINUTE, NOON, an_account
from signing_in import MY_PASSWORD, a_session, alive, in_use, refused, signed_in
from spec import at_once, fact, given
from write_side import WriteSide

from domain import errors, policies
from domain.account import Account
from domain.fact import NOWHERE, Whence
from domain.values import address_key
from infrastructure.tick import Tick

NEW, NEWER = "aurelie.favre@example.org", "a.favre@example.org"
SESSION, ANOTHER = uuid4(), uuid4()

# --- decisions


def asked(email=NEW, session_id=SESSION, now=NOON, **most):
    return lambda account: account.request_email_change(
        email, session_id=session_id, whence=NOWHERE, now=now, **most
    )


def confirmed(request=None, now=NOON):
    return lambda account: account.confirm_email_change(
        request=request or account.version, whence=NOWHERE, now=now
    )


def objected(request, now=NOON):
    return lambda account: account.object_to_email_change(request=request, whence=NOWHERE, now=now)


def corrected(email=NEW, actor=CLERK):
    return lambda account: account.correct_email(
        email, reason="typing-error", note=None, actor=actor, now=NOON
    )


def test_asking_alters_nothing():
    account = given(an_account()).when(asked()).then(fact(Account.EmailChangeRequested, email=NEW))
    assert account.email == AURELIE_ADDRESS


def test_the_same_address_is_no_change():
    given(an_account()).when(asked(AURELIE_ADDRESS.upper())).then_refused(errors.EmailUnchanged)


def test_after_five_in_an_hour_one_has_to_wait():
    five = [asked(now=NOON + number * MINUTE) for number in range(5)]
    given(an_account(), *five).when(asked(now=NOON + 10 * MINUTE)).then_refused(
        errors.TooManyRequests, retry_after=50 * 60
    )
    given(an_account(), *five).when(asked(now=NOON + HOUR)).then(fact(Account.EmailChangeRequested))


def test_how_often_in_an_hour_is_a_setting():
    given(an_account(), asked()).when(asked(now=NOON + 10 * MINUTE, most=1)).then_refused(
        errors.TooManyRequests, retry_after=50 * 60
    )
    six = [asked(now=NOON + number * MINUTE, most=6) for number in range(5)]
    given(an_account(), *six).when(asked(most=6)).then(fact(Account.EmailChangeRequested))


def test_only_the_confirmation_of_the_newest_request_changes_it():
    given(an_account(), asked(NEWER), asked()).when(confirmed(2)).then_refused(errors.LinkDead)
    account = (
        given(an_account(), asked(NEWER), asked())
        .when(confirmed(3))
        .then(fact(Account.EmailChanged, email=NEW, previous=AURELIE_ADDRESS, request=3))
    )
    assert account.email == NEW


def test_a_confirmation_works_once():
    given(an_account(), asked(), confirmed()).when(confirmed(2)).then_refused(errors.LinkDead)


def test_an_objection_cancels_what_was_only_asked_for():
    cancelled = fact(Account.EmailChangeCancelled, cause="objection")
    given(an_account(), asked()).when(objected(2)).then(cancelled)
    given(an_account(), asked(), objected(2)).when(confirmed(2)).then_refused(errors.LinkDead)


@pytest.mark.parametrize("request_", [2, 3], ids=["the notice's link", "the link of the later message"])
def test_an_objection_after_the_change_takes_it_back_and_locks_the_account(request_):
    back = fact(Account.EmailChangeTakenBack, email=AURELIE_ADDRESS, previous=NEW)
    account = given(an_account(), asked(), confirmed()).when(objected(request_)).then(back)
    assert (account.email, account.state) == (AURELIE_ADDRESS, "locked")


def test_after_seven_days_a_change_stays():
    end = NOON + policies.TAKE_BACK
    moved = given(an_account(), asked(), confirmed())
    moved.when(objected(2, end)).then(fact(Account.EmailChangeTakenBack))
    moved.when(objected(2, end + MINUTE)).then_refused(errors.LinkDead)


def test_whoever_moved_the_account_on_in_haste_does_not_shake_off_the_first_mailbox():
    moved = (asked(), confirmed(), asked(NEWER), confirmed())
    back = fact(Account.EmailChangeTakenBack, previous=NEWER)
    account = given(an_account(), *moved).when(objected(2)).then(back)
    assert account.email == AURELIE_ADDRESS
    given(an_account(), *moved, objected(2)).when(objected(4)).then_refused(errors.LinkDead)


def test_a_taken_back_change_cannot_be_taken_back_again():
    given(an_account(), asked(), confirmed(), objected(2)).when(objected(3)).then_refused(errors.LinkDead)


@pytest.mark.parametrize(
    ("ended", "kept", "cancelled"),
    [(SESSION, ANOTHER, True), (ANOTHER, SESSION, False), (None, ANOTHER, True), (None, SESSION, False)],
)
def test_what_was_asked_for_dies_with_the_session_that_asked(ended, kept, cancelled):
    facts = [fact(Account.EmailChangeCancelled, cause="session-ended")] if cancelled else []
    given(an_account(), asked()).when(
        lambda account: account.end_sessions(ended, kept=kept, whence=NOWHERE, now=NOON)
    ).then(*facts, fact(Account.SessionsEnded, session_id=ended))


@pytest.mark.parametrize(
    "deeds",
    [
        [lambda account: account.lock(reason="other", note=None, actor=CLERK, now=NOON)],
        [
            lambda account: account.enrol_second_factor(SESSION, "totp", None, actor=ADA_ID, now=NOON),
            lambda account: account.reset_second_factors("device-lost", None, actor=CLERK, now=NOON),
        ],
        [
            lambda account: account.propose_recovery(
                SESSION, email=account.email, reason="other", note=None, actor=CLERK, now=NOON
            ),
            lambda account: account.approve_recovery(SESSION, actor=ANOTHER, now=NOON),
        ],
    ],
    ids=["locked", "second factors reset", "recovered to the same address"],
)
def test_what_was_asked_for_dies_when_staff_bars_whoever_was_in(deeds):
    aggregate = an_account()
    for deed in (asked(), *deeds):
        deed(aggregate)
    assert aggregate.email_change is None


def test_what_was_asked_for_dies_with_the_password():
    given(an_account(), asked(), lambda account: account.change_password(actor=ADA_ID, now=NOON)).when(
        confirmed(2)
    ).then_refused(errors.LinkDead)


def withdrawn(account):
    account.withdraw_email_change(whence=NOWHERE, now=NOON)


def test_whoever_asked_may_withdraw_and_the_confirmation_is_dead():
    given(an_account(), asked()).when(withdrawn).then(
        fact(Account.EmailChangeCancelled, cause="withdrawn", actor=ADA_ID)
    )
    given(an_account(), asked(), withdrawn).when(confirmed(2)).then_refused(errors.LinkDead)


def test_where_nothing_is_pending_nothing_is_withdrawn():
    given(an_account()).when(withdrawn).then_nothing()


def test_a_locked_account_keeps_its_address():
    locked = lambda account: account.lock(reason="other", note=None, actor=CLERK, now=NOON)  # noqa: E731
    given(an_account(), locked).when(asked()).then_refused(errors.AccountLocked)
    given(an_account(), asked(), locked).when(confirmed(2)).then_refused(errors.LinkDead)


def test_staff_corrects_an_address_and_the_former_mailbox_may_still_take_it_back():
    given(an_account(), corrected()).when(objected(2)).then(fact(Account.EmailChangeTakenBack))
    given(an_account()).when(corrected(actor=ADA_ID)).then_refused(errors.OwnAccount)
    given(an_account()).when(corrected(AURELIE_ADDRESS)).then_nothing()


# --- with the addresses of others


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


@pytest.fixture
def account_id(here):
    """Aurélie's account, in use: she has chosen her password."""
    return in_use(here)


def ask(here, account_id, email=NEW, password=MY_PASSWORD):
    return here.address_changes.ask(
        account_id,
        email,
        password,
        session_id=a_session(here, account_id),
        whence=Whence("Firefox", "192.0.2.7"),
    )


def confirmation(here, account_id):
    account = here.store.account(account_id)
    return here.address_changes.confirmation_link(account, account.email_change.request)


def objection(here, account_id):
    account = here.store.account(account_id)
    request = account.email_change.request if account.email_change else account.version
    return here.address_changes.objection_link(account, request)


def move(here, account_id, email=NEW):
    """The whole change; the token for whoever has the former mailbox."""
    ask(here, account_id, email)
    former = objection(here, account_id)
    here.address_changes.confirm(confirmation(here, account_id), NOWHERE)
    return former


def owner(here, email):
    return here.lookup.find("email", address_key(email))


def test_asking_wants_the_password(here, account_id):
    with pytest.raises(errors.WrongPassword):
        ask(here, account_id, password="not hers at all, no")
    assert here.store.account(account_id).email_change is None


def test_after_the_confirmation_she_signs_in_with_the_new_address_alone(here, account_id):
    move(here, account_id)
    assert signed_in(here, MY_PASSWORD, email=NEW).account_id == account_id
    assert refused(here, MY_PASSWORD, email=AURELIE_ADDRESS)


def test_until_the_confirmation_the_new_address_is_nobodys(here, account_id):
    ask(here, account_id)
    assert owner(here, NEW) == []
    assert here.opened(NEW) != account_id


def test_that_an_address_is_taken_shows_nowhere_but_in_its_mailbox(here, account_id):
    in_use(here, NEW)
    ask(here, account_id)
    assert confirmation(here, account_id) is None


def test_an_address_that_was_taken_meanwhile_is_refused_at_the_confirmation_and_nothing_is_half_done(
    here, account_id
):
    ask(here, account_id)
    token = confirmation(here, account_id)
    other = here.opened(NEW)

    with pytest.raises(errors.EmailTaken):
        here.address_changes.confirm(token, NOWHERE)

    account = here.store.account(account_id)
    assert (account.email, owner(here, NEW)) == (AURELIE_ADDRESS, [other])
    assert owner(here, AURELIE_ADDRESS) == [account_id]


def test_of_two_people_racing_for_an_address_exactly_one_has_it(here, account_id):
    rivals = [account_id, in_use(here, "rival@example.org")]
    tokens = []
    for rival in rivals:
        ask(here, rival)
        tokens.append(confirmation(here, rival))

    def confirm(number):
        try:
            here.address_changes.confirm(tokens[number], NOWHERE)
        except errors.EmailTaken:
            return False
        return True

    outcomes = at_once(confirm, 2)
    assert sorted(outcomes) == [False, True]
    assert owner(here, NEW) == [rivals[outcomes.index(True)]]


def test_the_former_address_stays_reserved_for_seven_days(here, account_id):
    move(here, account_id)
    stranger = in_use(here, "stranger@example.org")
    ask(here, stranger, AURELIE_ADDRESS)
    assert confirmation(here, stranger) is None
    here.accounts.request(AURELIE_ADDRESS, "A", "B", "fr", "2025-08")
    assert here.decide.decide_waiting() == 1
    assert owner(here, AURELIE_ADDRESS) == []

    here.clock.goes_on(7 * DAY + HOUR)
    Tick(here.pool, here.clock).tidy()
    assert here.opened(AURELIE_ADDRESS) != account_id


def test_taking_a_change_back_restores_the_address_locks_the_account_and_ends_all_sessions(here, account_id):
    former = move(here, account_id)
    session = signed_in(here, MY_PASSWORD, email=NEW)

    assert here.address_changes.object(former, NOWHERE)[0] == "taken-back"

    assert not alive(here, session.token)
    assert (owner(here, AURELIE_ADDRESS), owner(here, NEW)) == ([account_id], [])
    with pytest.raises(errors.AccountLocked):
        signed_in(here, MY_PASSWORD)
    with pytest.raises(errors.LinkDead):
        here.address_changes.object(former, NOWHERE)


def test_the_first_mailbox_gets_its_address_back_from_the_second_move_too(here, account_id):
    first = move(here, account_id)
    second = move(here, account_id, NEWER)

    here.address_changes.object(first, NOWHERE)

    assert owner(here, AURELIE_ADDRESS) == [account_id]
    assert here.lookup.holders("email", NEWER) == here.lookup.holders("email", NEW) == []
    with pytest.raises(errors.LinkDead):
        here.address_changes.object(second, NOWHERE)


def test_the_second_mailbox_takes_back_its_own_move_only(here, account_id):
    move(here, account_id)
    second = move(here, account_id, NEWER)

    here.address_changes.object(second, NOWHERE)

    assert owner(here, NEW) == [account_id]
    assert (owner(here, AURELIE_ADDRESS), here.lookup.holders("email", AURELIE_ADDRESS)) == ([], [account_id])


def test_back_and_forth_leaves_the_account_with_the_address_it_has(here, account_id):
    move(here, account_id)
    move(here, account_id, AURELIE_ADDRESS)
    assert owner(here, AURELIE_ADDRESS) == [account_id]
    assert signed_in(here, MY_PASSWORD)


def test_a_link_of_the_one_kind_opens_nothing_of_the_other(here, account_id):
    ask(here, account_id)
    confirm, back = confirmation(here, account_id), objection(here, account_id)
    for use, token in ((here.address_changes.object, confirm), (here.address_changes.confirm, back)):
        with pytest.raises(errors.LinkDead):
            use(token, NOWHERE)


@pytest.mark.parametrize("token", ["", "x" * 43, "\udcff", "\0"])
def test_a_link_that_was_never_sent_opens_nothing(here, account_id, token):
    ask(here, account_id)
    with pytest.raises(errors.LinkDead):
        here.address_changes.confirm(token, NOWHERE)


def test_a_confirmation_expires_after_a_day(here, account_id):
    ask(here, account_id)
    token = confirmation(here, account_id)
    here.clock.goes_on(DAY)
    with pytest.raises(errors.LinkDead):
        here.address_changes.confirm(token, NOWHERE)


def test_what_is_pending_is_known_until_it_is_withdrawn_or_its_link_has_died(here, account_id):
    changes = here.address_changes
    assert changes.pending(account_id) is None
    ask(here, account_id)
    assert changes.pending(account_id).email == NEW
    changes.withdraw(account_id, NOWHERE)
    assert changes.pending(account_id) is None
    ask(here, account_id)
    here.clock.goes_on(DAY)
    assert changes.pending(account_id) is None


def test_a_clerk_cannot_give_an_account_an_address_that_somebody_has(here, account_id):
    in_use(here, NEW)
    with pytest.raises(errors.EmailTaken):
        here.address_changes.correct(account_id, NEW, reason="typing-error", note=None, actor=CLERK)
    assert owner(here, AURELIE_ADDRESS) == [account_id]
