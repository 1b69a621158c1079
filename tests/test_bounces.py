"""Reports of mails that did not arrive: believed for messages of ours only, and then for ever."""

from uuid import UUID, uuid4

import pytest
from delivery_reports import report
from write_side import WriteSide

from infrastructure.bounces import Bounces, NoReport
from infrastructure.outbox import OutboxQueue

RETURNED = ("text/rfc822-headers", "message/rfc822")


@pytest.fixture
def here(database_url):
    with WriteSide(database_url) as here:
        yield here


def sent(here, state: str = "sent", attempts: int = 1) -> dict[str, str]:
    """What a server returns of a message of this state."""
    ((row,),) = here.rows(
        "INSERT INTO outbox (cause, kind, recipient, state, attempts)"
        " VALUES (gen_random_uuid()::text, 'link-confirmed', 'holder', %s, %s) RETURNING id::text",
        state,
        attempts,
    )
    return _head(row)


def _head(row: str) -> dict[str, str]:
    message_id = f"<{UUID(row).hex}.{uuid4().hex[:12]}@school.example>"
    return {
        "From": "m@school.example",
        "To": "a@b.example",
        "X-Matricule-Message": row,
        "Message-ID": message_id,
    }


def state(here, mail: dict[str, str]) -> tuple:
    query = "SELECT state, last_error FROM outbox WHERE id = %s"
    return here.rows(query, mail["X-Matricule-Message"])[0]


def test_what_did_not_arrive_is_noted_once_by_either_header_and_never_sent_again(here):
    bounces, queue = Bounces(OutboxQueue(here.pool)), OutboxQueue(here.pool)
    for returned in RETURNED:
        for kept in (("X-Matricule-Message",), ("Message-ID",)):
            for before in ("sent", "waiting", "parked"):
                mail = sent(here, before)
                assert bounces.take(report(mail, returned=returned, kept=kept)) == "bounced"
                assert bounces.take(report(mail, returned=returned, kept=kept)) == "known"
                assert state(here, mail) == ("bounced", "report-5.1.1")
    assert queue.release() == 0
    assert queue.due(100) == []


def test_a_delay_changes_nothing_and_a_server_that_gave_up_does(here):
    bounces, mail = Bounces(OutboxQueue(here.pool)), sent(here)
    assert bounces.take(report(mail, action="delayed", status="4.4.1")) == "delayed"
    assert state(here, mail) == ("sent", None)
    assert bounces.take(report(mail, action="Failed", status="4.4.7")) == "bounced"
    assert state(here, mail) == ("bounced", "report-4.4.7")


def test_what_is_no_report_about_a_message_of_ours_is_refused(here):
    bounces, mail, other = Bounces(OutboxQueue(here.pool)), sent(here), sent(here)
    foreign = _head(str(uuid4()))
    mixed = mail | {"Message-ID": other["Message-ID"]}
    for raw, code in (
        (b"", "no-report"),
        (b"\xff\0From nobody", "no-report"),
        (report(mail).replace(b"delivery-status;", b"feedback-report;"), "no-report"),
        (report(mail, returned="text/plain"), "no-message"),
        (report(mail, kept=("From", "To")), "no-message"),
        (report(mail | {"X-Matricule-Message": "1 OR 1=1"}), "no-message"),
        (report(mixed), "no-message"),
        (report(foreign), "unknown-message"),
        (report(foreign, action="delayed"), "unknown-message"),
        (report(sent(here, "waiting", attempts=0)), "unknown-message"),
        (report(mail, action="delivered", status="2.0.0"), "delivered"),
    ):
        with pytest.raises(NoReport) as refused:
            bounces.take(raw)
        assert refused.value.code == code
    assert here.rows("SELECT count(*) FROM outbox WHERE state = 'bounced'") == [(0,)]
