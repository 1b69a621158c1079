"""The outbox as a queue: due, claimed, settled, resting, parked."""

import pytest
from outbox_rows import add_item, item_row

from infrastructure.database import open_pool
from infrastructure.outbox import AlreadySettled, OutboxQueue, settled

OVER = 0.0  # a lease or rest of no length: it is over when it begins


@pytest.fixture
def pool(database_url):
    with open_pool(database_url, size=4, name="test") as pool:
        yield pool


@pytest.fixture
def queue(pool):
    return OutboxQueue(pool)


def test_what_waits_is_due_the_longest_waiting_first(pool, queue):
    ids = [add_item(pool) for _ in range(3)]

    assert queue.due(limit=10) == ids
    assert queue.due(limit=2) == ids[:2]


def test_what_was_published_rests_until_the_time_is_over(pool, queue):
    item_id = add_item(pool)

    queue.postpone([item_id], seconds=60)

    assert queue.due(limit=10) == []
    assert 59 < item_row(pool, item_id)["rests"] <= 60


def test_publishing_neither_shortens_nor_lengthens_the_rest_that_a_quicker_worker_gave(pool, queue):
    item_id = add_item(pool)
    queue.retry(queue.claim(item_id, lease=30), delay=300, error="smtp-unreachable")

    queue.postpone([item_id], seconds=60)

    assert 299 < item_row(pool, item_id)["rests"] <= 300


def test_a_claim_counts_the_attempt_and_tells_what_to_do(pool, queue):
    item_id = add_item(pool, kind="question", recipient="record")

    item = queue.claim(item_id, lease=30)

    assert (item.id, item.kind, item.recipient, item.attempts) == (item_id, "question", "record", 1)
    assert item.cause.startswith("event ")


def test_a_claimed_item_is_nobody_elses_and_not_due(pool, queue):
    item_id = add_item(pool)
    queue.claim(item_id, lease=30)

    assert queue.claim(item_id, lease=30) is None
    assert queue.due(limit=10) == []


def test_a_published_item_can_be_claimed_while_it_rests(pool, queue):
    item_id = add_item(pool)
    queue.postpone([item_id], seconds=60)

    assert queue.claim(item_id, lease=30) is not None


def test_an_item_whose_lease_is_over_is_due_again(pool, queue):
    item_id = add_item(pool)
    queue.postpone([item_id], seconds=60)
    queue.claim(item_id, lease=OVER)

    assert queue.due(limit=10) == [item_id]
    assert queue.claim(item_id, lease=30).attempts == 2


def test_an_item_that_is_to_be_tried_later_cannot_be_claimed_before(pool, queue):
    item_id = add_item(pool)
    assert queue.retry(queue.claim(item_id, lease=30), delay=120, error="smtp-unreachable")

    assert queue.claim(item_id, lease=30) is None
    assert item_row(pool, item_id)["last_error"] == "smtp-unreachable"
    assert 119 < item_row(pool, item_id)["rests"] <= 120


def test_a_settled_item_is_never_due_and_never_claimed(pool, queue):
    item_id = add_item(pool)

    assert queue.settle(item_id, "sent")

    assert queue.due(limit=10) == []
    assert queue.claim(item_id, lease=30) is None
    assert item_row(pool, item_id)["settled_at"] is not None


def test_an_item_is_settled_once(pool, queue):
    item_id = add_item(pool)
    queue.settle(item_id, "sent")

    assert not queue.settle(item_id, "failed", "too-late")
    assert item_row(pool, item_id)["state"] == "sent"


def test_whoever_lost_the_lease_can_neither_postpone_nor_park_the_next_attempt(pool, queue):
    item_id = add_item(pool)
    slow = queue.claim(item_id, lease=OVER)
    queue.claim(item_id, lease=30)

    assert not queue.retry(slow, delay=300, error="slow")
    assert not queue.park(slow, "slow")
    assert item_row(pool, item_id)["state"] == "waiting"
    assert item_row(pool, item_id)["rests"] <= 30


def test_a_parked_item_waits_for_a_human_and_then_has_all_its_attempts_again(pool, queue):
    item_id = add_item(pool)
    assert queue.park(queue.claim(item_id, lease=30), "mailbox-full")
    assert queue.due(limit=10) == []
    assert item_row(pool, item_id)["parked_for"] == "exhausted"

    assert queue.release() == 1

    assert queue.due(limit=10) == [item_id]
    assert item_row(pool, item_id)["parked_for"] is None
    assert queue.claim(item_id, lease=30).attempts == 1


def test_after_a_start_without_a_broker_everything_that_waits_is_due(pool, queue):
    published, claimed = add_item(pool), add_item(pool)
    queue.postpone([published, claimed], seconds=60)
    queue.claim(claimed, lease=30)

    queue.clear_leases()

    assert set(queue.due(limit=10)) == {published, claimed}
    assert queue.claim(claimed, lease=30) is not None


def test_counts_tell_what_is_not_done(pool, queue):
    waiting, parked, bounced, sent = (add_item(pool) for _ in range(4))
    queue.park(queue.claim(parked, lease=30), "mailbox-full")
    queue.settle(bounced, "bounced")
    queue.settle(sent, "sent")

    assert queue.counts() == {"waiting": 1, "parked": 1, "bounced": 1, "failed": 0}
    assert queue.due(limit=10) == [waiting]


def test_an_effect_and_its_settling_are_committed_together(pool, queue):
    item_id, effect = add_item(pool), add_item(pool)

    change_and_settle(pool, effect, item_id)

    assert item_row(pool, item_id)["state"] == "done"
    assert item_row(pool, effect)["cause"] == "the effect"


def test_an_effect_is_undone_when_somebody_else_had_settled_the_item(pool, queue):
    item_id, effect = add_item(pool), add_item(pool)
    queue.settle(item_id, "done")

    with pytest.raises(AlreadySettled):
        change_and_settle(pool, effect, item_id)

    assert item_row(pool, effect)["cause"] != "the effect"


def change_and_settle(pool, effect, item_id):
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        cursor.execute("UPDATE outbox SET cause = 'the effect' WHERE id = %s", [effect])
        settled(item_id)(cursor)
