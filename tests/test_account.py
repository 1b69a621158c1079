"""What an account agrees to, and what it refuses."""

from datetime import UTC, date, datetime

import pytest
from people import ADA_ID, ADA_PROFILE_ID, CLERK, HOUR, MINUTE, NOON, an_account
from spec import fact, given

from domain import errors, policies
from domain.account import Account
from domain.values import OPERATOR, SYSTEM

LATER = NOON + 72 * HOUR
AUTUMN = date(2025, 12, 31)


def issued(account: Account) -> None:
    account.issue_password(expires_at=LATER, actor=SYSTEM, now=NOON)


def activated(account: Account) -> None:
    account.activate(now=NOON)


def granted(role: str, until: date | None = None):
    return lambda account: account.grant(role, until=until, actor=OPERATOR, now=NOON)


def asked_again(*times: datetime):
    return lambda account: [account.request_again(now=time) for time in times]


def test_a_request_makes_an_account_that_nobody_has_entered_yet():
    account = an_account()
    (requested,) = account.collect_events()
    assert type(requested) is Account.AccountRequested
    assert (requested.email, requested.locale, requested.origin) == (account.email, "fr", "sign-up")
    assert (account.id, account.profile_id, account.state, account.roles) == (
        ADA_ID,
        ADA_PROFILE_ID,
        "requested",
        {},
    )


def test_the_moment_of_a_fact_is_the_one_that_the_command_was_given():
    (requested,) = an_account(now=datetime(2001, 2, 3, 4, 5, 6, 7, tzinfo=UTC)).collect_events()
    assert requested.timestamp == datetime(2001, 2, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_every_fact_says_who_caused_it():
    account = an_account()
    issued(account)
    activated(account)
    granted("secretariat")(account)
    assert [event.actor for event in account.collect_events()] == [ADA_ID, SYSTEM, ADA_ID, OPERATOR]


def test_an_address_that_was_asked_for_again_is_noted_with_the_moment_of_asking():
    given(an_account()).when(asked_again(NOON + MINUTE)).then(
        fact(Account.AccountRequestedAgain, timestamp=NOON + MINUTE, actor=ADA_ID)
    )


def test_strangers_cause_five_mails_an_hour_to_one_address_and_no_more():
    four_more = [NOON + n * MINUTE for n in range(1, policies.MAILS_A_DOOR)]
    given(an_account(), asked_again(*four_more)).when(asked_again(NOON + 59 * MINUTE)).then_nothing()


def test_the_fifth_mail_of_an_hour_still_goes():
    three_more = [NOON + n * MINUTE for n in range(1, policies.MAILS_A_DOOR - 1)]
    given(an_account(), asked_again(*three_more)).when(asked_again(NOON + 59 * MINUTE)).then(
        fact(Account.AccountRequestedAgain)
    )


def test_an_hour_later_the_door_opens_again():
    four_more = [NOON + n * MINUTE for n in range(1, policies.MAILS_A_DOOR)]
    given(an_account(), asked_again(*four_more)).when(asked_again(NOON + HOUR)).then(
        fact(Account.AccountRequestedAgain)
    )


def test_the_copies_of_an_initial_password_are_counted():
    given(an_account(), issued).when(issued).then(fact(Account.PasswordIssued, copy=2, expires_at=LATER))


def test_a_fourth_initial_password_is_refused():
    given(an_account(), issued, issued, issued).when(issued).then_refused(errors.InitialPasswordsExhausted)


def test_whoever_has_signed_in_gets_no_initial_password():
    given(an_account(), issued, activated).when(issued).then_refused(errors.SignedInAlready)


def test_the_first_sign_in_makes_the_account_active():
    account = given(an_account(), issued).when(activated).then(fact(Account.AccountActivated, actor=ADA_ID))
    assert account.state == "active"


def test_later_sign_ins_are_no_facts():
    given(an_account(), activated).when(activated).then_nothing()


def test_a_new_password_is_a_fact_and_its_text_is_not():
    account = an_account()
    account.change_password(actor=ADA_ID, now=NOON)
    _, changed = account.collect_events()
    said = {"originator_id", "originator_version", "timestamp", "actor", "device", "network"}
    assert set(vars(changed)) == said


def test_a_role_is_given_until_its_last_day():
    account = (
        given(an_account())
        .when(granted("auditor", AUTUMN))
        .then(fact(Account.RoleGranted, role="auditor", until=AUTUMN, actor=OPERATOR))
    )
    assert account.roles == {"auditor": AUTUMN}


def test_the_same_role_with_the_same_end_changes_nothing():
    given(an_account(), granted("auditor", AUTUMN)).when(granted("auditor", AUTUMN)).then_nothing()


@pytest.mark.parametrize("until", [None, date(2026, 6, 30)])
def test_a_role_with_another_end_is_another_grant(until):
    given(an_account(), granted("auditor", AUTUMN)).when(granted("auditor", until)).then(
        fact(Account.RoleGranted, until=until)
    )


def test_a_role_that_nobody_knows_is_refused():
    given(an_account()).when(granted("emperor")).then_refused(errors.RoleUnknown, role="emperor")


def test_a_revoked_role_is_gone():
    account = (
        given(an_account(), granted("secretariat"), granted("auditor"))
        .when(lambda account: account.revoke("auditor", actor=CLERK, now=NOON))
        .then(fact(Account.RoleRevoked, role="auditor"))
    )
    assert account.roles == {"secretariat": None}


def test_a_role_that_was_not_there_cannot_be_taken_away():
    given(an_account()).when(lambda account: account.revoke("auditor", actor=CLERK, now=NOON)).then_nothing()


def language_chosen(locale: str):
    return lambda account: account.change_locale(locale, now=NOON)


def test_the_holder_chooses_another_language():
    account = (
        given(an_account())
        .when(language_chosen("de"))
        .then(fact(Account.LocaleChanged, locale="de", actor=ADA_ID))
    )
    assert account.locale == "de"


def test_the_same_language_changes_nothing():
    given(an_account()).when(language_chosen("fr")).then_nothing()
