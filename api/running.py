"""Running the service: all roles in one process, or one of them."""

import http.client
import logging
import os
import socket
import tempfile
import threading
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from rich.console import Console

from api.app import create_app
from api.ops import create_ops_app
from api.server import Server
from domain.calendar import ZURICH
from infrastructure import boot, bootstrap, sample_portfolio
from infrastructure.bootstrap import Service
from infrastructure.broker import BrokerUnavailable
from infrastructure.database import migrate
from infrastructure.observability import set_up_logging
from infrastructure.processes import Role, Supervisor, Unwinding, only_one, spare_the_collector
from infrastructure.remembered import remember
from infrastructure.settings import Settings, SettingsError

log = logging.getLogger(__name__)

API_THREADS = 8
OPS_THREADS = 2
WITH_A_BROKER = ("relay", "work")  # without one their queue is in the memory of one process


def run_everything(settings: Settings, console: Console) -> None:
    """Every role in this process, until a signal. Raises AlreadyRunning, SettingsError, KeyFault."""
    Unwinding()
    settings.check_serving()
    settings.home.mkdir(parents=True, exist_ok=True)
    with only_one(settings.home):
        _check_ports(settings)
        remember(settings.home, os.environ)
        _log(settings)
        with bootstrap.database(settings) as conninfo:
            migrate(conninfo)
            boot.prepare(conninfo)
            with bootstrap.service(settings, conninfo) as service:
                if settings.demo and not settings.records_url:
                    _import_samples(service)
                if not settings.broker_url:
                    service.outbox_queue.clear_leases()  # whoever held them died with the queue
                roles = [
                    *_api(service),
                    *service.project(),
                    *service.relay(),
                    *service.work(),
                    *service.tick(),
                ]
                _supervise(service, roles, console)


def run_role(settings: Settings, name: str) -> None:
    """One role in this process, until a signal. Raises SettingsError, KeyFault."""
    Unwinding()
    settings.check_serving()
    if name in WITH_A_BROKER and not settings.broker_url:
        raise SettingsError(f"BROKER_URL: set it to run «{name}» apart, or use matricule run.")
    if name == "api":
        _check_ports(settings)
    _log(settings)
    with bootstrap.database(settings) as conninfo:
        migrate(conninfo)
        boot.prepare(conninfo)
        with bootstrap.service(settings, conninfo) as service:
            if name in WITH_A_BROKER:
                _declare_queue(service)
            roles = _api(service) if name == "api" else getattr(service, name)()
            spare_the_collector()
            Supervisor(roles, service.metrics, wake=service.doorbell.wake).run()


def _check_ports(settings: Settings) -> None:
    """Raises SettingsError: without its doors a service would only look as if it ran."""
    for variable, host, port in (
        ("MATRICULE_PORT", settings.host, settings.port),
        ("MATRICULE_OPS_PORT", "127.0.0.1", settings.ops_port),
    ):
        host = host.strip("[]")
        try:
            socket.create_server(
                (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
            ).close()
        except OSError as fault:
            raise SettingsError(
                f"{variable}: port {port} of {host} cannot be had ({os.strerror(fault.errno)}): end what has it, "
                "or write another number."
            ) from None


def _api(service: Service) -> list[Role]:
    settings = service.settings
    return [
        Server("api", create_app(service), host=settings.host, port=settings.port, threads=API_THREADS),
        Server("ops", create_ops_app(service), host="127.0.0.1", port=settings.ops_port, threads=OPS_THREADS),
    ]


def _supervise(service: Service, roles: Sequence[Role], console: Console) -> None:
    _declare_queue(service)
    greeting = threading.Thread(target=_greet, args=(service, console), name="greeting", daemon=True)
    greeting.start()
    spare_the_collector()
    if Supervisor(roles, service.metrics, wake=service.doorbell.wake).run():
        console.print("Stopped; nothing is lost.")
    else:
        console.print("Stopped in the middle of some work: it is done again at the next start.")


def _declare_queue(service: Service) -> None:
    """Once, before relay and workers meet at it; where the broker is away, they go on trying."""
    try:
        service.broker.check()
    except BrokerUnavailable as fault:
        log.warning("the broker does not answer", extra={"code": fault.code})


def _log(settings: Settings) -> None:
    """On a terminal the demonstration tells of what is wrong only, unless more is asked for."""
    quiet = settings.demo and not os.environ.get("MATRICULE_LOG_LEVEL")
    set_up_logging("WARNING" if quiet else settings.log_level)


def _import_samples(service: Service) -> None:
    with service.pool.connection() as connection:
        (some,) = connection.execute("SELECT EXISTS (SELECT FROM records)").fetchone()
    if not some:
        today = service.clock.now().astimezone(ZURICH).date()
        with resources.as_file(resources.files("infrastructure") / "samples" / "records.csv") as file:
            service.records.import_file(Path(file), today=today)
        with tempfile.TemporaryDirectory() as folder:
            service.portfolio_items.import_file(sample_portfolio.write(Path(folder)))


def _greet(service: Service, console: Console) -> None:
    """Say where it is and what to do first, once it answers."""
    settings = service.settings
    if not _answers(settings):
        return
    mails = f"to {_host_of(settings.smtp_url)}" if settings.smtp_url else f"in {settings.home / 'outbox'}"
    console.print(
        f"\n[bold]Matricule[/] is ready: [bold]{settings.public_url}[/]"
        f"\n  mails land  {mails}"
        f"\n  health      http://127.0.0.1:{settings.ops_port}/health/ready"
        "\n\nFirst three things to do, in another terminal:"
        f"\n  1. walk through the whole journey       examples/first-account.sh"
        f"\n  2. read the API                         {settings.public_url}/api/docs"
        f"\n  3. see that all is well                 .venv/bin/matricule doctor"
        "\n\nCtrl-C stops everything; nothing is lost.",
        soft_wrap=True,
    )


def _answers(settings: Settings) -> bool:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection(settings.host, settings.port, timeout=1)
            connection.request("GET", "/health/live", headers={"Host": "127.0.0.1"})
            return connection.getresponse().status == 200
        except OSError:
            threading.Event().wait(0.1)
    return False


def _host_of(smtp_url: str) -> str:
    return smtp_url.rpartition("@")[2].rpartition("://")[2].rstrip("/")
