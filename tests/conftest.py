"""What tests ask for by name: a database, a broker, a mail server, each of their own."""

from collections.abc import Iterator

import hypothesis
import psycopg
import pytest
from browsing import Portal, a_portal, running_chromium
from mail_server import serving
from playwright.sync_api import Browser
from psycopg.conninfo import conninfo_to_dict
from services import (
    PrivatePostgres,
    PrivateRabbitMQ,
    any_postgres,
    any_rabbitmq,
    install_what_is_missing,
    new_database,
    private_postgres,
    private_rabbitmq,
)
from smtp_sink import SmtpSink

# How long an example takes says how busy the machine is, and nothing else.
hypothesis.settings.register_profile("matricule", deadline=None)
hypothesis.settings.load_profile("matricule")


def pytest_collection_finish(session: pytest.Session) -> None:
    if not session.config.option.collectonly:
        install_what_is_missing({name for test in session.items for name in test.fixturenames})


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Connection string of a server on which tests may make databases."""
    with any_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres) -> Iterator[str]:
    """The name of a database that is migrated and empty."""
    from infrastructure.database import migrate

    with new_database(postgres) as database:
        migrate(database)
        psycopg.connect(
            database
        ).close()  # the first to come writes down where the catalogue is, for every copy
        yield conninfo_to_dict(database)["dbname"]


@pytest.fixture
def database_url(postgres, template) -> Iterator[str]:
    """Connection string of a database of this test, migrated and empty."""
    with new_database(postgres, template) as database:
        yield database


@pytest.fixture
def private_database() -> Iterator[PrivatePostgres]:
    """A PostgreSQL of this test, durable, not yet started, not migrated, that may be killed."""
    with private_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """URL of a RabbitMQ that all tests share: name queues of your own, and do not harm it."""
    with any_rabbitmq() as url:
        yield url


@pytest.fixture
def private_broker() -> Iterator[PrivateRabbitMQ]:
    """A RabbitMQ of this test, not yet started, that may be killed."""
    with private_rabbitmq() as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[SmtpSink]:
    """A mail server of this test."""
    sink = SmtpSink()
    with serving(sink) as port:
        sink.url = f"smtp://127.0.0.1:{port}"
        yield sink


@pytest.fixture(scope="session")
def shell_tools() -> None:
    """What scripts call besides the shell: there, for it was installed before the first test (tests/services.py)."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def portal(chromium, postgres, template) -> Iterator[Portal]:
    """The whole service with a browser in front of it: every test brings addresses of its own."""
    with new_database(postgres, template) as database, a_portal(chromium, DATABASE_URL=database) as portal:
        yield portal
