"""What breaks while the password message is on its way: it arrives, and what arrives lets its holder in."""

from collections.abc import Iterator

import psycopg
import pytest
from running_service import RunningService, a_service, password_in
from spec import until

ADA, BEN, CLAIRE = "ada@school.example", "ben@school.example", "claire@school.example"
TRIED = "SELECT attempts, last_error FROM outbox"
WAITING_FOR_A_LOCK = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def whole(database_url, smtp) -> Iterator[RunningService]:
    """All roles in one process, without a broker."""
    with a_service(DATABASE_URL=database_url, SMTP_URL=smtp.url) as service:
        service.run()
        yield service


@pytest.fixture
def apart(database_url, broker_url, smtp) -> Iterator[RunningService]:
    """Roles of which each has a process of its own, but for those that a test starts itself: relay and work."""
    with a_service(DATABASE_URL=database_url, BROKER_URL=broker_url, SMTP_URL=smtp.url) as service:
        service.start("project")
        service.start("api")
        service.wait_until_ready()
        yield service


def come_in(service: RunningService, smtp, *emails: str) -> None:
    """Everybody signs in with the password that came last."""
    for email in emails:
        signed_in = service.sign_in(email, password_in(smtp.mails(email)[-1]))
        assert signed_in.status == 201, signed_in.body


def counts(smtp, *emails: str) -> list[int]:
    return [len(smtp.mails(email)) for email in emails]


def test_a_worker_killed_after_the_mail_server_took_the_mail_sends_one_more(apart, smtp):
    apart.start("relay")
    worker = apart.start("work")
    smtp.hang()
    apart.sign_up(ADA)
    smtp.wait_for(to=ADA)
    apart.kill(worker)

    smtp.accept()
    apart.let_leases_end()
    apart.start("work")
    first, second = smtp.wait_for(2, to=ADA)
    apart.wait_for_outbox(sent=1)
    assert counts(smtp, ADA) == [2]
    assert first["X-Matricule-Message"] == second["X-Matricule-Message"]
    assert first["Message-ID"] != second["Message-ID"]
    assert apart.sign_in(ADA, password_in(first)).status == 201


def test_a_relay_killed_before_it_noted_what_it_published_repeats_nothing(apart, smtp):
    apart.sign_up(ADA)
    apart.start("work")  # decides on the request
    apart.wait_for_outbox(waiting=1)
    with psycopg.connect(apart.database) as other:
        other.execute("SELECT FROM outbox FOR UPDATE")
        relay = apart.start("relay")
        until(lambda: apart.rows(WAITING_FOR_A_LOCK) == [(2,)])  # it has published, and a worker has it
        apart.kill(relay)
        apart.start("relay")
        until(lambda: apart.rows(WAITING_FOR_A_LOCK) == [(4,)])  # once more, and another worker has it
    apart.sign_up(BEN)
    smtp.wait_for(to=BEN)
    apart.wait_for_outbox(sent=2)
    assert counts(smtp, ADA, BEN) == [1, 1]
    come_in(apart, smtp, ADA, BEN)


def test_a_service_killed_in_the_middle_loses_nothing_and_repeats_only_what_was_taken(whole, smtp):
    smtp.hang()
    for email in (ADA, BEN):  # a mail in the hands of each worker
        whole.sign_up(email)
        smtp.wait_for(to=email)
    whole.sign_up(CLAIRE)
    whole.wait_for_outbox(waiting=3)
    whole.kill(whole.processes[0])

    smtp.accept()
    whole.run()
    smtp.wait_for(5)
    whole.wait_for_outbox(sent=3)
    assert counts(smtp, ADA, BEN, CLAIRE) == [2, 2, 1]
    come_in(whole, smtp, ADA, BEN, CLAIRE)


def test_a_request_that_was_answered_outlives_a_kill_that_leaves_the_database_server_to_itself(smtp):
    with a_service(SMTP_URL=smtp.url) as service:
        running = service.run()
        assert service.sign_up(ADA).status == 202
        service.kill(running)
        assert service.embedded.is_running
        service.run()
        service.sign_up(BEN)
        smtp.wait_for(to=BEN)
        service.wait_for_outbox(sent=2)
        assert 1 <= len(smtp.mails(ADA)) <= 2  # whether the first was taken before the kill
        come_in(service, smtp, ADA, BEN)


def test_a_killed_broker_loses_nothing_and_repeats_nothing(database_url, private_broker, smtp):
    broker_url = private_broker.start()
    with a_service(DATABASE_URL=database_url, BROKER_URL=broker_url, SMTP_URL=smtp.url) as service:
        service.run()
        private_broker.settle()
        smtp.hang()
        service.sign_up(ADA)
        smtp.wait_for(to=ADA)
        private_broker.kill()
        assert service.sign_up(BEN).status == 202
        service.wait_for_outbox(waiting=2)
        smtp.accept()
        service.wait_for_outbox(sent=1)
        assert service.health()["status"] == "degraded"

        private_broker.start()
        smtp.wait_for(to=BEN)
        service.wait_for_outbox(sent=2)
        assert counts(smtp, ADA, BEN) == [1, 1]
        come_in(service, smtp, ADA, BEN)
        until(lambda: service.health()["status"] == "ready")


def test_a_killed_database_loses_nothing_and_repeats_nothing(private_database, smtp):
    database = private_database.start()
    with a_service(DATABASE_URL=database, SMTP_URL=smtp.url) as service:
        service.run()
        smtp.hang()
        service.sign_up(ADA)
        smtp.wait_for(to=ADA)
        private_database.kill()
        assert service.sign_up(BEN).status == 503
        smtp.accept()

        private_database.start()
        service.wait_for_outbox(sent=1)
        until(lambda: service.sign_up(BEN).status == 202)
        smtp.wait_for(to=BEN)
        service.wait_for_outbox(sent=2)
        assert counts(smtp, ADA, BEN) == [1, 1]
        come_in(service, smtp, ADA, BEN)
        until(lambda: service.health()["status"] == "ready")


def test_a_mail_server_that_takes_nothing_now_costs_no_password_however_often_it_is_asked(whole, smtp):
    smtp.recipient_answer = "451 4.7.1 Greylisted, try again later"
    whole.sign_up(ADA)
    for attempts in (1, 2, 3, 4):
        until(lambda done=(attempts, "recipient-451-4.7.1"): whole.rows(TRIED) == [done])
        whole.let_leases_end()
    smtp.recipient_answer = "250 OK"
    whole.let_leases_end()
    smtp.wait_for(to=ADA)
    assert whole.rows("SELECT count(*) FROM credentials") == [(1,)]
    come_in(whole, smtp, ADA)


def test_three_passwords_are_sent_at_most_each_lets_in_and_then_the_message_is_shown(whole, smtp):
    smtp.at_data = lambda server: server.transport.abort()  # whether it was taken, nobody knows
    people = (ADA, BEN, CLAIRE)
    for email in people:
        whole.sign_up(email)
    for attempts in (1, 2, 3):
        for email in people:
            smtp.wait_for(attempts, to=email)
        until(lambda: whole.rows("SELECT count(*) FROM outbox WHERE last_error IS NOT NULL") == [(3,)])
        whole.let_leases_end()
    whole.wait_for_outbox(parked=3)
    assert counts(smtp, *people) == [3, 3, 3]

    found = whole.health()
    assert found["status"] == "degraded"
    assert found["outbox"]["parked"] == 3
    doctor = whole.command("doctor")
    assert doctor.returncode == 0
    assert "3 initial passwords are parked: three were sent" in doctor.stdout
    assert "POST /accounts/<id>/resend" in doctor.stdout
    assert whole.command("release").returncode == 0  # which alone is no help
    whole.wait_for_outbox(parked=3)
    assert counts(smtp, *people) == [3, 3, 3]

    passwords = {email: [password_in(mail) for mail in smtp.mails(email)] for email in people}
    for copy, email in enumerate(people):
        assert whole.sign_in(email, passwords[email][copy]).status == 201
    for copy, email in enumerate(people):
        tried = [whole.sign_in(email, password).status for password in passwords[email]]
        assert tried == [201 if number == copy else 401 for number in range(3)]
