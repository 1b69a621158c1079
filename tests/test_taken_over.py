"""The commands for what exists already, beside the running service: import, invite, bounces."""

import json
import os

import program
from delivery_reports import report
from running_service import a_service
from spec import until

LINES = 3_000
NEEDED = "email;given_name;family_name;locale"


def accounts(service) -> int:
    return service.rows("SELECT count(*) FROM events WHERE topic = 'account.imported'")[0][0]


def test_accounts_that_exist_are_taken_over_asked_in_and_told_of_when_mail_comes_back(database_url, tmp_path):
    with a_service(DATABASE_URL=database_url) as service:
        service.run()
        an_import_that_is_killed_is_run_again_and_nothing_is_there_twice_or_missing(service, tmp_path)
        their_holders_are_invited_at_a_pace_or_come_by_themselves(service, tmp_path)
        a_message_that_comes_back_is_bounced_and_a_foreign_report_refused(service, tmp_path)


def an_import_that_is_killed_is_run_again_and_nothing_is_there_twice_or_missing(service, tmp_path):
    file = tmp_path / "accounts.csv"
    lines = [f"p{number}@school.example;Ada;Keller;fr" for number in range(LINES)]
    file.write_text("\n".join([f"{NEEDED}", *lines, "none;Ada;Keller;fr", ""]))
    command = ["import", "accounts", str(file), "--json"]
    environ = {"PATH": "/usr/bin:/bin", "MATRICULE_HOME": str(service.home)}
    with open(os.devnull, "r+") as nothing:
        process = program.start(*command, env=environ, stdin=nothing, stdout=nothing, stderr=nothing)
    until(lambda: accounts(service) > 0)
    process.kill()
    process.wait()
    there = accounts(service)
    assert 0 < there < LINES
    assert there % 1_000 == 0

    done = service.command(*command)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    (refused,) = report.pop("refused")
    counted = {"read": LINES + 1, "added": LINES - there, "changed": 0, "unchanged": there}
    assert report == counted | {"refused_count": 1}
    assert (refused["line"], refused["field"]) == (LINES + 2, "email")
    assert accounts(service) == LINES
    assert service.rows("SELECT count(DISTINCT digest) FROM lookup WHERE kind = 'email'") == [(LINES,)]
    assert service.mails() == []


def their_holders_are_invited_at_a_pace_or_come_by_themselves(service, tmp_path):
    file = tmp_path / "accounts.csv"
    file.write_text(f"{NEEDED}\nasked@school.example;Ada;Keller;fr\n")
    assert service.command("import", "accounts", str(file)).returncode == 0
    told = json.loads(service.command("invite", "--rate", "120/hour", "--dry-run", "--json").stdout)
    assert told == {"invited": 0, "waiting": LINES + 1, "seconds": LINES * 30}
    done = service.command("invite", "--rate", "60000", "--limit", "2", "--json")
    assert json.loads(done.stdout) == {"invited": 2, "waiting": LINES - 1, "seconds": 0}
    mail = service.wait_for_mail("p0@school.example")
    assert mail["X-Matricule-Kind"] == "initial-password"
    text = mail.get_body(("plain",)).get_content()
    assert "est prêt" in text
    password = text.split("\n\n")[2].strip()
    assert service.sign_in("p0@school.example", password).status == 201

    service.ask("POST", "/api/v1/password-resets", {"email": "asked@school.example"})
    assert "token=" in service.wait_for_mail("asked@school.example").get_body(("plain",)).get_content()


def a_message_that_comes_back_is_bounced_and_a_foreign_report_refused(service, tmp_path):
    mail = service.wait_for_mail("p1@school.example")
    reports = [report(mail), mail.as_bytes(), report(mail)]
    (tmp_path / "mbox").write_bytes(
        b"".join(b"From MAILER-DAEMON Mon Sep  1 12:00:00 2025\n" + each + b"\n" for each in reports)
    )
    done = service.command("mail", "bounce", "--mailbox", str(tmp_path / "mbox"), "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer) == (
        1,
        {"bounced": 1, "known": 1, "delayed": 0, "refused": ["no-report"]},
    )
    again = service.command("mail", "bounce", typed=report(mail).decode())
    assert (again.returncode, again.stdout) == (0, "0 bounced, 1 known, 0 delayed.\n")
    metrics = service.ask("GET", "/metrics", port=service.ops_port).body.decode()
    assert 'matricule_outbox_items{state="bounced"} 1.0' in metrics
