"""From a waiting row to its effect: what is due is done, whoever dies on the way."""

import json
import logging
import threading
from contextlib import contextmanager
from multiprocessing import get_context
from queue import SimpleQueue
from random import Random
from uuid import uuid4

import psycopg
import pytest
from outbox_rows import add_item, item_row

from infrastructure.broker import connect
from infrastructure.database import open_pool
from infrastructure.doorbell import Doorbell
from infrastructure.observability import JsonLines, Metrics
from infrastructure.outbox import OutboxQueue, settled
from infrastructure.processes import Supervisor
from infrastructure.relay import Relay
from infrastructure.worker import GiveUp, Retry, Worker

LONG = 30.0  # seconds; a test that waits so long has failed
NEVER = threading.Event()
spawn = get_context("spawn")


@pytest.fixture
def database(database_url):
    """An outbox, and a table that shows what handlers did."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE effects (item uuid, at timestamptz DEFAULT clock_timestamp())")
    return database_url


@pytest.fixture
def pool(database):
    with open_pool(database, size=8, name="test") as pool:
        yield pool


@pytest.fixture
def queue(pool):
    return OutboxQueue(pool)


@pytest.fixture
def name():
    return f"test.{uuid4()}"


@pytest.fixture
def broker(name):
    broker = connect(None, queue=name)
    yield broker
    broker.close()


@pytest.fixture
def doorbell(database):
    doorbell = Doorbell(database)
    assert doorbell.wait("projected", seen=0, timeout=LONG)  # it listens; from now on only rings wake
    yield doorbell
    doorbell.close()


def a_worker(queue, handler, *, broker=None, kind="rejected", **settings):
    return Worker("worker-1", queue, broker, {kind: handler}, Random(1), Metrics(), **settings)


def refuse(error):
    def handler(_item):
        raise error

    return handler


def note_effect(pool, item, *also):
    """The effect and what belongs to it, in one transaction."""
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO effects (item) VALUES (%s)", [item.id])
        for step in also:
            step(cursor)


def effects(pool):
    with pool.connection() as connection:
        return [item for (item,) in connection.execute("SELECT item FROM effects ORDER BY at")]


@contextmanager
def running(*roles, doorbell=None):
    """Run roles in threads while the block runs; what they raise is raised at the end, beside what the block does.

    doorbell: for a relay that would otherwise notice the end at its next poll only.
    """
    stop, raised = threading.Event(), SimpleQueue()

    def run(role):
        try:
            role.run(stop)
        except Exception as error:  # noqa: BLE001 - told to the test's own thread
            raised.put(error)

    threads = [threading.Thread(target=run, args=(role,)) for role in roles]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if doorbell:
            doorbell.ring("outbox")
        for thread in threads:
            thread.join(LONG)
        if not raised.empty():
            raise raised.get()


# --- the relay


def test_the_relay_publishes_what_is_due_and_lets_it_rest(pool, queue, broker, doorbell):
    item_id, received = add_item(pool), SimpleQueue()
    relay = Relay(queue, broker, doorbell, postpone=60)

    assert relay.publish_due() == 1
    assert relay.publish_due() == 0

    stop = threading.Event()
    broker.consume(lambda item_id: (received.put(item_id), stop.set()), stop)
    assert received.get(timeout=LONG) == item_id
    assert 59 < item_row(pool, item_id)["rests"] <= 60


def test_a_ring_brings_a_row_to_the_worker_without_waiting_for_the_poll(pool, queue, broker, doorbell):
    received = SimpleQueue()
    relay = Relay(queue, broker, doorbell, poll=10 * LONG)
    worker = a_worker(queue, received.put, broker=broker)

    with running(relay, worker, doorbell=doorbell):
        for _ in range(3):  # the first may have been there before the relay looked
            item_id = add_item(pool)
            doorbell.ring("outbox")
            assert received.get(timeout=LONG).id == item_id


def test_a_row_without_a_ring_is_found_by_the_poll(pool, queue, broker, doorbell):
    received = SimpleQueue()

    with running(Relay(queue, broker, doorbell, poll=0.05), a_worker(queue, received.put, broker=broker)):
        item_id = add_item(pool)
        assert received.get(timeout=LONG).id == item_id


def test_more_than_a_batch_goes_out_at_once(pool, queue, broker, doorbell):
    ids, received = [add_item(pool) for _ in range(7)], SimpleQueue()
    relay = Relay(queue, broker, doorbell, batch=3, poll=10 * LONG)

    with running(relay, a_worker(queue, received.put, broker=broker), doorbell=doorbell):
        assert {received.get(timeout=LONG).id for _ in ids} == set(ids)


# --- how an attempt ends


def test_what_a_handler_did_for_a_person_is_sent_and_what_it_did_for_the_system_is_done(pool, queue):
    to_holder, for_system = add_item(pool), add_item(pool, recipient="system")
    worker = a_worker(queue, lambda item: None)

    worker.work(to_holder, NEVER)
    worker.work(for_system, NEVER)

    assert item_row(pool, to_holder)["state"] == "sent"
    assert item_row(pool, for_system)["state"] == "done"


def test_a_handler_that_settled_in_its_own_transaction_has_the_last_word(pool, queue):
    item_id = add_item(pool)

    a_worker(queue, lambda item: note_effect(pool, item, settled(item.id, "done"))).work(item_id, NEVER)

    assert item_row(pool, item_id)["state"] == "done"


@pytest.mark.parametrize("state", ["bounced", "failed", "parked"])
def test_a_handler_that_gives_up_says_how(pool, queue, state):
    item_id = add_item(pool)

    a_worker(queue, refuse(GiveUp("no-such-mailbox", state))).work(item_id, NEVER)

    row = item_row(pool, item_id)
    assert (row["state"], row["last_error"]) == (state, "no-such-mailbox")
    assert (row["settled_at"] is None) == (state == "parked")


def test_what_shall_be_tried_again_rests_longer_after_each_attempt(pool, queue):
    item_id = add_item(pool)
    worker = a_worker(queue, refuse(Retry("smtp-unreachable")))
    rests = []
    for _ in range(4):
        worker.work(item_id, NEVER)
        rests.append(item_row(pool, item_id)["rests"])
        queue.clear_leases()

    for rest, (least, most) in zip(rests, [(0.5, 2), (3.5, 8), (15, 32), (63, 128)], strict=True):
        assert least < rest <= most
    assert item_row(pool, item_id)["last_error"] == "smtp-unreachable"


def test_no_rest_is_longer_than_an_hour(pool, queue):
    item_id = add_item(pool)
    worker = a_worker(queue, refuse(Retry("smtp-unreachable")), max_attempts=30)
    for _ in range(20):
        queue.clear_leases()
        worker.work(item_id, NEVER)

    assert 1799 < item_row(pool, item_id)["rests"] <= 3600


def test_a_handler_may_say_itself_when_to_try_again(pool, queue):
    item_id = add_item(pool)

    a_worker(queue, refuse(Retry("greylisted", delay=300))).work(item_id, NEVER)

    assert 299 < item_row(pool, item_id)["rests"] <= 300


def test_what_keeps_failing_is_parked_after_the_last_attempt(pool, queue):
    item_id = add_item(pool)
    worker = a_worker(queue, refuse(Retry("smtp-unreachable")), max_attempts=3)
    for _ in range(3):
        assert item_row(pool, item_id)["state"] == "waiting"
        queue.clear_leases()
        worker.work(item_id, NEVER)

    row = item_row(pool, item_id)
    assert (row["state"], row["last_error"], row["attempts"]) == ("parked", "smtp-unreachable", 3)


def test_an_item_that_takes_its_worker_down_each_time_is_parked_without_another_try(pool, queue):
    item_id, called = add_item(pool), SimpleQueue()
    for _ in range(3):
        queue.claim(item_id, lease=0)

    a_worker(queue, called.put, max_attempts=3).work(item_id, NEVER)

    assert called.empty()
    assert item_row(pool, item_id)["state"] == "parked"
    assert item_row(pool, item_id)["last_error"] == "worker-died"


def test_an_unexpected_error_is_tried_again_and_its_text_is_neither_logged_nor_stored(pool, queue, caplog):
    item_id = add_item(pool)
    caplog.set_level(logging.DEBUG)

    a_worker(queue, refuse(LookupError("ada@example.org has no 756.1234.5678.97"))).work(item_id, NEVER)

    assert item_row(pool, item_id)["last_error"] == "unexpected-LookupError"
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert any(line.get("error") == "LookupError" and line["item"] == str(item_id) for line in lines)
    assert all(secret not in caplog.text for secret in ("ada@", "756."))
    assert all(secret not in json.dumps(lines) for secret in ("ada@", "756."))


def test_a_kind_that_nobody_knows_yet_is_kept(pool, queue):
    item_id = add_item(pool, kind="from-a-newer-version")

    a_worker(queue, lambda item: None).work(item_id, NEVER)

    assert item_row(pool, item_id)["state"] == "waiting"


def test_a_message_that_comes_twice_is_handled_once(pool, queue):
    item_id, called = add_item(pool), SimpleQueue()
    worker = a_worker(queue, called.put)

    worker.work(item_id, NEVER)
    worker.work(item_id, NEVER)

    assert called.qsize() == 1


def test_a_worker_that_outlives_its_lease_does_not_do_again_what_another_did(pool, queue):
    item_id = add_item(pool)

    def handler(item):
        if item.attempts == 1:
            worker.work(item_id, NEVER)  # the other one, whose second attempt overtakes the first
        note_effect(pool, item, settled(item.id))

    worker = a_worker(queue, handler, lease=0)
    worker.work(item_id, NEVER)

    assert effects(pool) == [item_id]
    assert item_row(pool, item_id)["state"] == "done"


def test_a_mail_that_went_out_while_postgresql_restarted_is_not_sent_again(pool, queue, database):
    item_id, sent = add_item(pool), SimpleQueue()

    def send_while_the_database_goes(item):
        sent.put(item)
        with psycopg.connect(database, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'matricule test' AND datname = current_database()"
            )

    worker = a_worker(queue, send_while_the_database_goes)
    worker.work(item_id, NEVER)
    worker.work(item_id, NEVER)

    assert sent.qsize() == 1
    assert item_row(pool, item_id)["state"] == "sent"


# --- who dies on the way


def relay_apart(database, url, name):
    with open_pool(database, size=2, name="relay apart") as pool:
        Relay(OutboxQueue(pool), connect(url, queue=name), Doorbell(database)).run(threading.Event())


def worker_apart(database, url, name, pipe, *, with_item):
    """A worker that has done its work, says so, and never comes to acknowledging it."""
    with open_pool(database, size=2, name="worker apart") as pool:

        def handler(item):
            note_effect(pool, item, *([settled(item.id)] if with_item else []))
            pipe.send(str(item.id))
            pipe.recv()

        worker = a_worker(OutboxQueue(pool), handler, broker=connect(url, queue=name), lease=2)
        worker.run(threading.Event())


def test_a_relay_killed_between_publishing_and_noting_it_repeats_itself_and_nothing_is_done_twice(
    database, pool, queue, doorbell, broker_url, name
):
    item_id, published = add_item(pool), SimpleQueue()
    broker = connect(broker_url, queue=name)
    broker.check()
    relay = spawn.Process(target=relay_apart, args=(database, broker_url, name), daemon=True)

    with psycopg.connect(database) as blocker, running_listener(broker, published):
        blocker.execute("LOCK TABLE outbox IN SHARE MODE")  # readers pass, the note waits
        relay.start()
        assert published.get(timeout=LONG) == item_id
        relay.kill()
        relay.join(LONG)
        blocker.execute(  # what the killed one had asked for would still be done once the lock is free
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'matricule relay apart' AND datname = current_database()"
        )
    assert item_row(pool, item_id)["rests"] <= 0

    again = Relay(queue, broker, doorbell)
    broker.publish([item_id])  # as the dead relay did; the first copy was only looked at above
    assert again.publish_due() == 1
    handled, stop = SimpleQueue(), threading.Event()
    worker = a_worker(queue, lambda item: note_effect(pool, item))
    broker.consume(
        lambda item_id: (
            worker.work(item_id, NEVER),
            handled.put(item_id),
            handled.qsize() == 2 and stop.set(),
        ),
        stop,
    )
    broker.close()

    assert handled.qsize() == 2
    assert effects(pool) == [item_id]


def running_listener(broker, received):
    """Take messages off the queue, as a sign that they were published."""

    class Listener:
        name = "listener"

        def run(self, stop):
            broker.consume(received.put, stop)

    return running(Listener())


def killed_before_acknowledging(database, url, name, *, with_item):
    here, there = spawn.Pipe()
    process = spawn.Process(
        target=worker_apart, args=(database, url, name, there), kwargs={"with_item": with_item}, daemon=True
    )
    process.start()
    assert here.poll(LONG)
    done = here.recv()
    process.kill()
    process.join(LONG)
    return done


def test_work_in_the_database_is_done_once_though_its_worker_was_killed(
    database, pool, queue, doorbell, broker_url, name
):
    item_id = add_item(pool)
    broker = connect(broker_url, queue=name)
    broker.publish([item_id])
    assert killed_before_acknowledging(database, broker_url, name, with_item=True) == str(item_id)

    redelivered, stop = SimpleQueue(), threading.Event()
    worker = a_worker(queue, lambda item: note_effect(pool, item, settled(item.id)))
    broker.consume(lambda item_id: (worker.work(item_id, NEVER), redelivered.put(item_id), stop.set()), stop)
    broker.close()

    assert redelivered.get(timeout=LONG) == item_id
    assert effects(pool) == [item_id]
    assert item_row(pool, item_id)["state"] == "done"


def test_a_message_whose_worker_was_killed_after_sending_goes_out_again_after_the_lease(
    database, pool, queue, doorbell, broker_url, name
):
    item_id = add_item(pool)
    broker = connect(broker_url, queue=name)
    relay = Relay(queue, broker, doorbell, poll=0.1)
    assert relay.publish_due() == 1
    assert killed_before_acknowledging(database, broker_url, name, with_item=False) == str(item_id)
    sent = SimpleQueue()

    with running(relay, a_worker(queue, sent.put, broker=broker)):
        item = sent.get(timeout=LONG)
    broker.close()

    assert (item.id, item.attempts) == (item_id, 2)
    assert effects(pool) == [item_id]  # of the first worker; the mail server had taken it
    assert item_row(pool, item_id)["state"] == "sent"


def test_nothing_is_lost_and_nothing_done_twice_when_the_broker_is_killed_in_the_middle(
    pool, queue, doorbell, private_broker, name
):
    ids = [add_item(pool) for _ in range(20)]
    broker = connect(private_broker.start(), queue=name)
    in_the_middle, killed, finished = threading.Event(), threading.Event(), threading.Event()

    def handler(item):
        note_effect(pool, item, settled(item.id))
        if len(effects(pool)) == 10:
            in_the_middle.set()
            killed.wait(LONG)
        if len(effects(pool)) == 30:
            finished.set()

    relay = Relay(queue, broker, doorbell, postpone=1, poll=0.1)
    with supervised(relay, a_worker(queue, handler, broker=broker)):
        assert in_the_middle.wait(LONG)
        private_broker.settle()
        assert not finished.is_set()
        private_broker.kill()
        killed.set()
        ids += [add_item(pool) for _ in range(10)]
        private_broker.start()
        assert finished.wait(LONG)
    broker.close()

    assert sorted(effects(pool)) == sorted(ids)
    assert queue.counts()["waiting"] == 0


@contextmanager
def supervised(*roles):
    supervisor = Supervisor(roles, Metrics())
    service = threading.Thread(target=supervisor.run)
    service.start()
    try:
        yield
    finally:
        supervisor.stop()
        service.join(LONG)
