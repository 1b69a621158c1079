"""Carries ids of outbox rows from the relay to the workers: RabbitMQ, or kombu's in-memory transport.

A message holds an id and nothing else. It may be lost or come twice: the row in the outbox decides what is
done. Two habits of kombu and amqp are kept out: connections come back by themselves, without their consumers,
and a confirm that is late is taken for the next message's. After any trouble the connection is thrown away.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from amqp.exceptions import AMQPError, MessageNacked
from kombu import Connection, Consumer, Exchange, Message, Producer, Queue
from kombu.exceptions import KombuError

log = logging.getLogger(__name__)

QUEUE = "matricule.outbox"
ANSWER_SECONDS = 5.0
# After this the relay publishes again; an older message would only be one more of the same.
EXPIRY_SECONDS = 60
# The receiving thread does the work too and is silent meanwhile; the server gives up after twice this.
HEARTBEAT_SECONDS = 30
# How long a stop may go unnoticed.
DRAIN_SECONDS = 0.25

IN_MEMORY = "memory://"
IN_MEMORY_POLL_SECONDS = 0.01


class BrokerUnavailable(Exception):
    """The broker cannot be reached or did not take a message. `code` holds no address and no password."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Broker:
    """One queue. `publish` may be called by any thread; each `consume` has a connection of its own."""

    def __init__(self, url: str, queue: str, on_malformed: Callable[[], None], answer_seconds: float) -> None:
        self._url = url
        self._answer_seconds = answer_seconds
        self._queue = Queue(
            queue, Exchange(""), routing_key=queue, durable=True, queue_arguments={"x-queue-type": "quorum"}
        )
        self._on_malformed = on_malformed
        self._publishing = threading.Lock()
        self._connection: Connection | None = None
        self._producer: Producer | None = None

    def check(self) -> None:
        """Connect and declare the queue. Raises BrokerUnavailable."""
        with self._connected() as connection, _broker_errors():
            self._queue.bind(connection.default_channel).declare()

    def publish(self, ids: Sequence[UUID]) -> None:
        """Hand over ids and wait until each is confirmed. Raises BrokerUnavailable; some may be there."""
        with self._publishing:
            try:
                with _broker_errors():
                    for item_id in ids:
                        self._publish(item_id)
            except BrokerUnavailable:
                self._forget_producer()
                raise

    def consume(self, handler: Callable[[UUID], None], stop: threading.Event) -> None:
        """Call `handler` with one id after the other until `stop`; each is acknowledged after it returned.

        What the handler raises comes out, and the message is given back. Raises BrokerUnavailable.
        """
        received: list[Message] = []
        with self._connected() as connection:
            with _broker_errors():
                self._subscribe(connection, received)
            while not stop.is_set():
                with _broker_errors():
                    _drain(connection)
                while received:
                    self._handle(received.pop(), handler)

    def close(self) -> None:
        """Close the connection that publishes."""
        with self._publishing:
            self._forget_producer()

    def _publish(self, item_id: UUID) -> None:
        if self._producer is None:
            # No heartbeat: a relay with nothing to say stays silent, and a missing confirm tells a dead peer.
            self._connection = self._open(heartbeat=0)
            channel = self._connection.channel()
            self._queue.bind(channel).declare()
            self._producer = Producer(channel, auto_declare=False)
        self._producer.publish(
            json.dumps({"id": str(item_id)}),
            content_type="application/json",
            content_encoding="utf-8",
            routing_key=self._queue.name,
            delivery_mode="persistent",
            expiration=EXPIRY_SECONDS,
            mandatory=True,
            timeout=self._answer_seconds,
            confirm_timeout=self._answer_seconds,
        )

    def _forget_producer(self) -> None:
        if self._connection is not None:
            self._connection.collect()
        self._connection = self._producer = None

    def _subscribe(self, connection: Connection, received: list[Message]) -> None:
        channel = connection.default_channel
        channel.basic_qos(0, 1, False)
        queue = self._queue.bind(channel)
        queue.declare()
        Consumer(
            channel,
            [queue],
            auto_declare=False,
            on_message=received.append,
            on_decode_error=lambda message, _error: received.append(message),
        ).consume()

    def _handle(self, message: Message, handler: Callable[[UUID], None]) -> None:
        item_id = _read(message)
        if item_id is None:
            log.warning("malformed message thrown away")
            self._on_malformed()
            with _broker_errors():
                message.reject()
        else:
            handler(item_id)
            with _broker_errors():
                message.ack()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with _broker_errors():
            connection = self._open(heartbeat=HEARTBEAT_SECONDS)
        try:
            yield connection
            with _broker_errors():
                connection.release()
        finally:
            connection.collect()

    def _open(self, heartbeat: int) -> Connection:
        in_memory = self._url == IN_MEMORY
        options = {"polling_interval": IN_MEMORY_POLL_SECONDS} if in_memory else {"confirm_publish": True}
        connection = Connection(
            self._url, heartbeat=heartbeat, connect_timeout=self._answer_seconds, transport_options=options
        )
        # Each host once, without kombu's waiting in between.
        hosts = len(connection.alt) or 1
        connection.ensure_connection(max_retries=hosts - 1, reraise_as_library_errors=False)
        if not in_memory:
            # Without it, declaring a queue waits for ever on a broker that hangs.
            connection.connection.sock.settimeout(self._answer_seconds)
        return connection


def connect(
    broker_url: str | None,
    *,
    queue: str = QUEUE,
    on_malformed: Callable[[], None] = lambda: None,
    answer_seconds: float = ANSWER_SECONDS,
) -> Broker:
    """RabbitMQ at `broker_url` (`amqp://…`, more than one with `;`), without one a queue in this process.

    Connects when first used. on_malformed: called for each message that was thrown away. answer_seconds: how long
    to wait for any answer of the broker, confirms among them.
    """
    return Broker(broker_url or IN_MEMORY, queue, on_malformed, answer_seconds)


def _drain(connection: Connection) -> None:
    if not connection.connected:
        raise ConnectionResetError
    try:
        connection.drain_events(timeout=DRAIN_SECONDS)
    except TimeoutError:
        connection.heartbeat_check()


def _read(message: Message) -> UUID | None:
    try:
        body = json.loads(message.body)
        return UUID(body["id"]) if set(body) == {"id"} else None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


@contextmanager
def _broker_errors() -> Iterator[None]:
    try:
        yield
    # AttributeError: what amqp raises, by kombu's own account, when a connection goes in mid-call.
    except (AMQPError, MessageNacked, KombuError, OSError, AttributeError) as error:
        code = " ".join(str(part) for part in (type(error).__name__, getattr(error, "reply_code", 0)) if part)
        log.warning("broker unavailable", extra={"code": code})
        raise BrokerUnavailable(code) from None
