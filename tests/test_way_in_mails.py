"""Back in, another address, the end and the way back from it: with the mails that really arrive."""

import re

import pytest
from api_client import FIREFOX
from running_service import RunningService, a_service, password_in
from services import new_database
from spec import until

OLD, NEW = "ada@example.org", "ada.new@example.org"
FIRST, SECOND = "sept ponts au bord du Doubs", "un chaland sur le canal à l'aube"
LINK = re.compile(r"^(https?://[^/\s]+)/([\w/-]+)\?token=(\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def service(postgres, template):
    with (
        new_database(postgres, template) as database,
        a_service(DATABASE_URL=database, MATRICULE_LOG_LEVEL="INFO") as service,
    ):
        service.run()
        yield service


def mail_of(service: RunningService, kind: str, to: str, number: int = 1):
    def found():
        return [mail for mail in service.mails(to) if mail["X-Matricule-Kind"] == kind]

    until(lambda: len(found()) >= number)
    return found()[number - 1]


def token_in(service: RunningService, mail) -> str:
    """Of its one link with a token, which leads to our own address."""
    [(origin, _path, token)] = LINK.findall(mail.get_body(("plain",)).get_content())
    assert origin == f"http://127.0.0.1:{service.port}"
    assert token in mail.get_body(("html",)).get_content()
    return token


def post(service: RunningService, path: str, body: dict, bearer: str | None = None, **headers: str):
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    return service.ask("POST", f"/api/v1{path}", body, **headers)


def test_a_whole_life_by_mail(service):
    service.sign_up(OLD)
    initial = password_in(service.wait_for_mail(OLD))

    # A link for a new password, asked for from a strange host name.
    asked = post(service, "/password-resets", {"email": OLD}, X_Forwarded_Host="evil.example")
    assert asked.status == 202
    token = token_in(service, mail_of(service, "password-reset", OLD))
    done = post(service, "/password-resets/complete", {"token": token, "new_password": FIRST})
    assert done.status == 204, done.body
    assert service.sign_in(OLD, initial).status == 401
    bearer = service.sign_in(OLD, FIRST).json["token"]
    [(hashed,)] = service.rows("SELECT hash FROM credentials")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    mail_of(service, "password-changed", OLD)

    # Another address: both mailboxes are told, the confirmation changes it.
    asked = post(service, "/me/email-changes", {"new_email": NEW, "password": FIRST}, bearer)
    assert asked.status == 202, asked.body
    notice = mail_of(service, "email-change-notice", OLD)
    assert NEW not in notice.get_body(("plain",)).get_content()
    confirm = token_in(service, mail_of(service, "email-change-confirm", NEW))
    assert post(service, "/email-changes/confirm", {"token": confirm}).json == {"state": "changed"}
    assert service.sign_in(OLD, FIRST).status == 401
    bearer = service.sign_in(NEW, FIRST).json["token"]
    mail_of(service, "email-changed", NEW)
    later = mail_of(service, "email-changed-previous", OLD)
    assert token_in(service, later) != token_in(service, notice)

    # The end, and the way back from it.
    assert post(service, "/me/closure", {"password": FIRST}, bearer).status == 202
    assert service.sign_in(NEW, FIRST).status == 403
    post(service, "/password-resets", {"email": NEW}, User_Agent=FIREFOX)
    told_again = mail_of(service, "account-closed", NEW, 2)
    assert "Firefox" not in told_again.get_body(("plain",)).get_content(), "it did not close the account"
    reopen = token_in(service, told_again)
    assert post(service, "/closures/reopen", {"token": reopen}).status == 204
    mail_of(service, "account-reopened", NEW)
    assert service.sign_in(NEW, FIRST).status == 201

    # The former mailbox takes the change back.
    back = post(service, "/email-changes/object", {"token": token_in(service, notice)})
    assert back.json == {"state": "taken-back"}
    mail_of(service, "email-change-taken-back", OLD)
    mail_of(service, "email-change-undone", NEW)
    assert service.sign_in(OLD, FIRST).status == 403


def test_a_mailbox_that_has_an_account_is_told_and_gets_no_link(service):
    for address in ("bea@example.org", "carl@example.org"):
        service.sign_up(address)
    passwords = {
        each: password_in(service.wait_for_mail(each)) for each in ("bea@example.org", "carl@example.org")
    }
    bearer = service.sign_in("bea@example.org", passwords["bea@example.org"]).json["token"]
    wanted = {"new_email": "carl@example.org", "password": passwords["bea@example.org"]}
    assert post(service, "/me/email-changes", wanted, bearer).status == 202
    told = mail_of(service, "email-change-taken", "carl@example.org")
    assert not LINK.search(told.get_body(("plain",)).get_content())
    assert "bea" not in told.as_string()


def test_a_reset_by_a_strange_host_is_refused(service):
    assert post(service, "/password-resets", {"email": OLD}, Host="evil.example").status == 400
