"""Many at the same moment, over HTTP: one is first, and all others are told so."""

from collections import Counter
from collections.abc import Iterator

import pytest
from running_service import Answer, RunningService, a_service, password_in
from spec import at_once, until

ADA, BEN, CLAIRE = "ada@school.example", "ben@school.example", "claire@school.example"
MARC, NADIA = "marc@school.example", "nadia@school.example"
PROFILE = {
    "ahv_number": None,
    "given_name": "Ada",
    "family_name": "Keller",
    "birth_date": "1980-12-31",
    "sex": "female",
    "nationality": "CH",
    "street": "Rue de la Gare 12",
    "postal_code": "2740",
    "city": "Moutier",
    "country": "CH",
    "canton": "BE",
}


@pytest.fixture
def service(database_url) -> Iterator[RunningService]:
    with a_service(DATABASE_URL=database_url) as service:
        service.run()
        yield service


def signed_in(service: RunningService, email: str) -> dict[str, str]:
    """The header of whoever has signed in with the password of the mail."""
    answer = service.sign_in(email, password_in(service.wait_for_mail(email)))
    return {"Authorization": f"Bearer {answer.json['token']}"}


def test_one_address_asked_for_twenty_times_at_once_is_one_account(service):
    answers = at_once(lambda number: service.sign_up(ADA if number % 2 else ADA.upper()), 20)
    assert {answer.status for answer in answers} == {202}
    until(lambda: service.rows("SELECT count(*) FROM intake") == [(0,)])
    asked = (
        "SELECT topic, count(*)::int FROM events WHERE topic LIKE 'account.requested%' GROUP BY 1 ORDER BY 1"
    )
    # As many messages as strangers can cause in an hour.
    assert service.rows(asked) == [("account.requested", 1), ("account.requested-again", 4)]
    service.wait_for_outbox(sent=5)
    kinds = Counter(mail["X-Matricule-Kind"] for mail in service.mails())
    assert kinds == {"initial-password": 1, "account-exists": 4}
    [mail] = [mail for mail in service.mails() if mail["X-Matricule-Kind"] == "initial-password"]
    assert service.sign_in(ADA, password_in(mail)).status == 201


def test_a_case_and_a_record_have_one_decision_whoever_else_takes_one_at_the_same_time(service):
    for email in (ADA, BEN, CLAIRE):
        service.sign_up(email)
    for email in (ADA, BEN, CLAIRE):
        assert service.ask("PUT", "/api/v1/me/profile", PROFILE, **signed_in(service, email)).status == 200
    for email in (MARC, NADIA):
        assert service.command("grant", "secretariat", email).returncode == 0
    clerks = [signed_in(service, email) for email in (MARC, NADIA)]
    for email, clerk in zip((MARC, NADIA), clerks, strict=True):
        service.enrol(password_in(service.mails(email)[0]), **clerk)

    def cases() -> list[dict]:
        return service.ask("GET", "/api/v1/cases", **clerks[0]).json["items"]

    def link(clerk: int, case: dict, record: str) -> Answer:
        decision = {"record_number": record, "reason": "identity-checked"}
        return service.ask("POST", f"/api/v1/cases/{case['id']}/link", decision, **clerks[clerk])

    until(lambda: len(cases()) == 3)
    first, second, third = cases()
    (record,), (another,) = service.rows("SELECT record_number FROM records ORDER BY 1 LIMIT 2")
    one_wins(at_once(lambda clerk: link(clerk, first, record), 2), "already-decided")
    one_wins(at_once(lambda clerk: link(clerk, (second, third)[clerk], another), 2), "record-taken")


def one_wins(answers: list[Answer], code: str) -> None:
    won, lost = sorted(answers, key=lambda answer: answer.status)
    assert (won.status, lost.status) == (200, 409), (won, lost)
    assert lost.json["type"] == f"/problems/{code}"
    assert lost.json["by"] in (MARC, NADIA)
    assert lost.json["at"]
