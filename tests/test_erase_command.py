"""`matricule erase`: two people sign in for it, one after the other; the operator alone erases nobody."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from erasing import data_protection
from running_service import RunningService, a_service, password_in
from services import new_database
from spec import until

HOLDER, FIRST, SECOND = "ada@example.org", "first@protection.example", "second@protection.example"
CLERK = "clerk@school.example"


@pytest.fixture(scope="module")
def service(postgres, template) -> Iterator[RunningService]:
    with (
        new_database(postgres, template) as database,
        a_service(DATABASE_URL=database, ERASURE_MAIL_HOURS="0.001") as service,
    ):
        service.run()
        yield service


def erase(service: RunningService, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return service.command("erase", *words, typed=typed)


def test_two_people_erase_a_third_and_neither_does_it_alone(service):
    service.sign_up(HOLDER)
    password_in(service.wait_for_mail(HOLDER))
    people = {email: data_protection(service, email) for email in (FIRST, SECOND)}

    def as_(email: str, *words: str) -> subprocess.CompletedProcess[str]:
        password, codes = people[email]
        return erase(service, *words, "--as", email, typed=f"{password}\n{codes.pop()}\n")

    proposed = as_(FIRST, HOLDER, "--reason", "request-of-holder", "--json")
    assert proposed.returncode == 0, proposed.stderr
    erasure = json.loads(proposed.stdout)["id"]
    same = as_(FIRST, "--approve", erasure)
    assert (same.returncode, "Another person" in same.stderr) == (1, True)
    assert service.rows("SELECT state FROM erasures") == [("proposed",)]

    nobody = erase(service, "--approve", erasure, "--as", SECOND, typed="a guess\n123456\n")
    assert (nobody.returncode, "wrong" in nobody.stderr) == (1, True)
    without = erase(service, "--approve", erasure, "--as", SECOND, typed=f"{people[SECOND][0]}\n\n")
    assert (without.returncode, "second factor" in without.stderr) == (1, True)
    assert service.rows("SELECT state FROM erasures") == [("proposed",)]

    approved = as_(SECOND, "--approve", erasure)
    assert approved.returncode == 0, approved.stderr
    until(lambda: service.rows("SELECT state FROM erasures") == [("done",)])
    assert service.rows("SELECT count(*) FROM sessions WHERE kind = 'bearer'") == [
        (2,)
    ]  # of their enrolments
    gone = as_(FIRST, HOLDER, "--reason", "request-of-holder")
    assert (gone.returncode, "No account" in gone.stderr) == (1, True)


def test_whoever_has_not_the_role_proposes_nothing(service):
    assert service.command("grant", "secretariat", CLERK).returncode == 0
    password = password_in(service.wait_for_mail(CLERK))
    refused = erase(service, CLERK, "--reason", "court-order", "--as", CLERK, typed=f"{password}\n\n")
    assert (refused.returncode, "does not have the role" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--as", FIRST),
        (HOLDER, "--as", FIRST),
        (HOLDER, "--reason", "other", "--as", FIRST),
        ("--reason", "court-order", "--as", FIRST),
        (HOLDER, "--reason", "court-order"),
        ("--approve", "x", "--as", FIRST),
    ],
    ids=str,
)
def test_what_is_left_out_is_asked_for(service, words):
    assert erase(service, *words).returncode == 2
