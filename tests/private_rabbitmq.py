"""A RabbitMQ of our own, from the distribution's package: ports, node name, cookie and data are its own."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from uuid import uuid4

from amqp import Connection as AmqpConnection
from amqp.exceptions import AMQPError
from kombu import Connection

PROGRAM = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server"  # without the distribution's wrapper, which wants a certain user
)
START_SECONDS = 60.0


def answers(url: str) -> bool:
    """Whether the RabbitMQ at an `amqp://` URL lets us in."""
    asked = Connection(url)
    try:
        with AmqpConnection(
            f"{asked.hostname}:{asked.port or 5672}",
            userid=asked.userid,
            password=asked.password,
            virtual_host=asked.virtual_host or "/",
            ssl=url.startswith("amqps:"),
            connect_timeout=5,
        ):
            return True
    except (OSError, AMQPError):
        return False


class PrivateRabbitMQ:
    """Started, killed and started again on the same port with the same data."""

    def __init__(self, folder: Path) -> None:
        """folder: an empty one for all that it keeps."""
        self._folder = folder
        self._port, self._distribution_port, self._name_port = free_ports(3)
        self._running: list[subprocess.Popen] = []
        self._node = f"matricule-{uuid4().hex[:8]}@localhost"
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.own = 127.0.0.1:{self._port}\n")
        (folder / "rabbitmq-env.conf").touch()
        (folder / "plugins").touch()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def start(self) -> str:
        """The URL, as soon as it takes connections."""
        # Erlang's name server would be started as a daemon that outlives us, were it not there yet.
        self._run("epmd", "-port", str(self._name_port))
        server = self._run(PROGRAM)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and server.poll() is None:
            if answers(self.url):
                return self.url
            time.sleep(0.1)
        raise AssertionError((self._folder / "log").read_text(errors="replace")[-5000:])

    def settle(self) -> None:
        """From now on a kill harms no queue: RabbitMQ 3 writes what a new quorum queue is 5 s later, or when the
        next one is made, and one that is killed before has no leader for ever."""
        with Connection(self.url) as connection:
            connection.default_channel.queue_declare(
                "the next one", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
            )

    def kill(self) -> None:
        """`kill -9` of all its processes."""
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()

    def _run(self, *command: str) -> subprocess.Popen:
        with open(self._folder / "log", "ab") as log:
            process = subprocess.Popen(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self._folder),  # of the cookie
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_LOG_BASE": str(self._folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "ERL_EPMD_PORT": str(self._name_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
