"""`kill -9` between the steps of a change of address: the account has one of the two, and both mailboxes know it."""

import http.client
import json
import time

import pytest
from running_service import RunningService, a_service, password_in
from spec import until
from test_way_in_mails import mail_of, post, token_in

PASSWORD = "sept ponts au bord du Doubs"


@pytest.fixture(scope="module")
def service(postgres, template):
    with a_service(MATRICULE_LOG_LEVEL="INFO") as service:
        service.run()
        yield service


def in_use(service: RunningService, email: str) -> str:
    """A bearer token of somebody who has chosen a password."""
    service.sign_up(email)
    initial = password_in(service.wait_for_mail(email))
    bearer = service.sign_in(email, initial).json["token"]
    wanted = {"current_password": initial, "new_password": PASSWORD}
    changed = service.ask("PUT", "/api/v1/me/password", wanted, Authorization=f"Bearer {bearer}")
    assert changed.status == 204, changed.body
    return bearer


def kill_and_start(service: RunningService) -> None:
    service.kill(service.processes[-1])
    service.run()
    service.let_leases_end()


def ask(service: RunningService, bearer: str, new: str) -> None:
    assert post(service, "/me/email-changes", {"new_email": new, "password": PASSWORD}, bearer).status == 202


def signs_in_with(service: RunningService, *emails: str) -> list[str]:
    return [email for email in emails if service.sign_in(email, PASSWORD).status == 201]


def test_killed_after_the_asking_both_mailboxes_are_told_and_nothing_has_changed(service):
    old, new = "ada@example.org", "ada.new@example.org"
    bearer = in_use(service, old)
    ask(service, bearer, new)
    kill_and_start(service)

    confirm = token_in(service, mail_of(service, "email-change-confirm", new))
    mail_of(service, "email-change-notice", old)
    assert signs_in_with(service, old, new) == [old]
    assert post(service, "/email-changes/confirm", {"token": confirm}).status == 200


@pytest.mark.parametrize("milliseconds", [0, 3, 8, 20, 60])
def test_killed_at_the_confirmation_it_is_the_old_address_or_the_new_one(service, milliseconds):
    old, new = f"bea.{milliseconds}@example.org", f"bea.{milliseconds}.new@example.org"
    ask(service, in_use(service, old), new)
    confirm = token_in(service, mail_of(service, "email-change-confirm", new))

    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    body = json.dumps({"token": confirm})
    connection.request("POST", "/api/v1/email-changes/confirm", body, {"Content-Type": "application/json"})
    time.sleep(milliseconds / 1000)  # what is killed is another step each time
    kill_and_start(service)

    (owned,) = signs_in_with(service, old, new)
    again = post(service, "/email-changes/confirm", {"token": confirm})
    assert again.status == (410 if owned == new else 200)
    assert signs_in_with(service, old, new) == [new]
    mail_of(service, "email-changed", new)
    back = token_in(service, mail_of(service, "email-changed-previous", old))
    assert post(service, "/email-changes/object", {"token": back}).json == {"state": "taken-back"}
    until(lambda: service.sign_in(old, PASSWORD).status == 403)
    assert service.sign_in(new, PASSWORD).status == 401
