"""The broker: RabbitMQ and the in-memory queue carry ids, confirm them, and lose nothing that was not handled."""

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from amqp.exceptions import PreconditionFailed
from kombu import Connection

from infrastructure.broker import BrokerUnavailable, connect

LONG = 20.0  # seconds; a test that waits so long has failed
PATIENCE = 1.0  # seconds for an answer, where none comes


@pytest.fixture
def name():
    return f"test.{uuid4()}"


@pytest.fixture(params=["in memory", "RabbitMQ"])
def broker(request, name):
    url = None if request.param == "in memory" else request.getfixturevalue("broker_url")
    broker = connect(url, queue=name)
    broker.check()
    yield broker
    broker.close()


@pytest.fixture
def rabbit(broker_url, name):
    broker = connect(broker_url, queue=name)
    broker.check()
    yield broker
    broker.close()


@contextmanager
def consuming(broker, handler):
    """Consume in a thread while the block runs, then stop and wait for the end."""
    stop = threading.Event()
    thread = threading.Thread(target=broker.consume, args=(handler, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LONG)
        assert not thread.is_alive()


@contextmanager
def raw_channel(url):
    with Connection(url) as connection:
        yield connection.default_channel


def put(url, name, body, **headers):
    with raw_channel(url) as channel:
        message = channel.prepare_message(body, headers=headers, properties={"delivery_mode": 2})
        channel.basic_publish(message, exchange="", routing_key=name)


def test_what_is_published_arrives_in_order(broker):
    ids = [uuid4() for _ in range(5)]
    broker.publish(ids)
    received = SimpleQueue()

    with consuming(broker, received.put):
        assert [received.get(timeout=LONG) for _ in ids] == ids


def test_a_consumer_at_work_keeps_no_message_from_the_others(broker):
    first, second = uuid4(), uuid4()
    broker.publish([first, second])
    at_work, done, received = threading.Event(), threading.Event(), SimpleQueue()

    with consuming(broker, lambda _: (at_work.set(), done.wait(LONG))):
        assert at_work.wait(LONG)
        with consuming(broker, received.put):
            assert received.get(timeout=LONG) == second
        done.set()


def test_a_message_holds_an_id_and_nothing_else_and_is_stored(rabbit, broker_url, name):
    item_id = uuid4()
    rabbit.publish([item_id])

    with raw_channel(broker_url) as channel:
        message = channel.basic_get(name)

    assert json.loads(message.body) == {"id": str(item_id)}
    assert message.properties["delivery_mode"] == 2
    assert set(message.headers) <= {"x-delivery-count"}  # the broker's own


def test_the_queue_survives_its_broker_and_is_replicated(rabbit, broker_url, name):
    with raw_channel(broker_url) as channel:
        channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    with raw_channel(broker_url) as channel, pytest.raises(PreconditionFailed):
        channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": "classic"})


def test_a_message_that_reaches_no_queue_is_an_error_and_the_next_makes_the_queue(rabbit, broker_url, name):
    rabbit.publish([uuid4()])
    with raw_channel(broker_url) as channel:
        channel.queue_delete(name)

    with pytest.raises(BrokerUnavailable) as refusal:
        rabbit.publish([uuid4()])
    assert refusal.value.code.endswith("312")  # NO_ROUTE

    item_id = uuid4()
    rabbit.publish([item_id])
    with raw_channel(broker_url) as channel:
        assert str(item_id) in channel.basic_get(name).body


def test_a_message_is_acknowledged_only_after_it_was_handled(rabbit):
    item_id = uuid4()
    rabbit.publish([item_id])
    received = SimpleQueue()

    with pytest.raises(ZeroDivisionError):
        rabbit.consume(lambda _: 1 // 0, threading.Event())

    with consuming(rabbit, received.put):
        assert received.get(timeout=LONG) == item_id


def test_a_handled_message_does_not_come_again(rabbit, broker_url, name):
    rabbit.publish([uuid4()])
    stop = threading.Event()

    rabbit.consume(lambda _: stop.set(), stop)

    with raw_channel(broker_url) as channel:
        assert channel.basic_get(name) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b'["id"]',
        b"{}",
        b"17",
        b"[" * 100_000,
        b'{"id": "17"}',
        b'{"id": 17}',
        b'{"id": null}',
        b'{"ID": "d2b5f1c0-0000-4000-8000-000000000000"}',
        b'{"id": "d2b5f1c0-0000-4000-8000-000000000000", "email": "ada@example.org"}',
    ],
)
def test_a_malformed_message_is_counted_thrown_away_and_stops_nobody(body, broker_url, name):
    counted, received = SimpleQueue(), SimpleQueue()
    broker = connect(broker_url, queue=name, on_malformed=lambda: counted.put(None))
    broker.check()
    put(broker_url, name, body)
    item_id = uuid4()
    broker.publish([item_id])

    with consuming(broker, received.put):
        assert received.get(timeout=LONG) == item_id
    broker.close()

    assert counted.qsize() == 1
    with raw_channel(broker_url) as channel:
        assert channel.basic_get(name) is None


def test_a_message_that_cannot_even_be_unpacked_is_thrown_away(broker_url, name):
    counted, stop = SimpleQueue(), threading.Event()
    broker = connect(broker_url, queue=name, on_malformed=lambda: (counted.put(None), stop.set()))
    broker.check()
    put(broker_url, name, b"neither gzip", compression="application/x-gzip")

    broker.consume(lambda _: None, stop)

    assert counted.qsize() == 1


def test_a_consumer_whose_queue_is_deleted_says_so_instead_of_waiting_for_ever(rabbit, broker_url, name):
    def delete(_):
        with raw_channel(broker_url) as channel:
            channel.queue_delete(name)

    rabbit.publish([uuid4()])

    with pytest.raises(BrokerUnavailable):
        rabbit.consume(delete, threading.Event())


def test_an_unreachable_broker_is_an_error_at_once(name):
    broker = connect("amqp://guest:guest@127.0.0.1:1//", queue=name)
    started = time.monotonic()

    for attempt in (broker.check, lambda: broker.publish([uuid4()])):
        with pytest.raises(BrokerUnavailable):
            attempt()
    assert time.monotonic() - started < 1


def test_a_refused_password_is_named_by_its_code_and_never_repeated(broker_url, name):
    broker = connect(broker_url.replace("guest:guest", "guest:sesame"), queue=name)

    with pytest.raises(BrokerUnavailable) as refusal:
        broker.check()

    assert refusal.value.code == "AccessRefused 403"


def test_the_second_host_of_a_cluster_is_tried_when_the_first_is_down(broker_url, name):
    broker = connect(f"amqp://guest:guest@127.0.0.1:1//;{broker_url}", queue=name)

    broker.publish([uuid4()])

    broker.close()


def test_a_broker_that_hangs_is_an_error_in_time_and_its_late_confirm_counts_for_nothing(
    line, broker_url, name
):
    broker = connect(line.url, queue=name, answer_seconds=PATIENCE)
    broker.publish([uuid4()])

    line.answers.clear()
    started = time.monotonic()
    with pytest.raises(BrokerUnavailable):
        broker.publish([uuid4()])
    assert 0.8 * PATIENCE < time.monotonic() - started < 4 * PATIENCE

    line.answers.set()
    broker.publish([uuid4()])
    with raw_channel(broker_url) as channel:
        channel.queue_delete(name)
    with pytest.raises(BrokerUnavailable):
        broker.publish([uuid4()])
    broker.close()


def test_a_queue_that_does_not_answer_is_an_error_in_time(line, name):
    line.silent_after = name.encode()  # connecting goes well, declaring does not
    started = time.monotonic()

    with pytest.raises(BrokerUnavailable):
        connect(line.url, queue=name, answer_seconds=PATIENCE).consume(lambda _: None, threading.Event())

    assert 0.8 * PATIENCE < time.monotonic() - started < 4 * PATIENCE


class Line:
    """A line to the broker whose answers can be held back, as if the broker hung, and come late."""

    def __init__(self, broker_url):
        there = urlsplit(broker_url)
        self._there = (there.hostname, there.port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = broker_url.replace(there.netloc, f"guest:guest@127.0.0.1:{self._door.getsockname()[1]}")
        self.answers = threading.Event()
        self.answers.set()
        self.silent_after = None
        self._start(self._take_calls)

    def close(self):
        self.answers.set()
        self._door.close()

    def _start(self, target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def _take_calls(self):
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(self._there)
                self._start(self._carry, client, server, self._listen)
                self._start(self._carry, server, client, lambda _: self.answers.wait(LONG))

    def _listen(self, asked):
        if self.silent_after and self.silent_after in asked:
            self.answers.clear()

    def _carry(self, source, target, before):
        with source, target, suppress(OSError):
            while data := source.recv(65536):
                before(data)
                target.sendall(data)


@pytest.fixture
def line(broker_url):
    line = Line(broker_url)
    yield line
    line.close()
