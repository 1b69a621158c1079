"""What the operator decides: the environment, read once into a frozen record. `.env.example` explains it."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from application.guesses import Limits
from domain.policies import MAILS_A_DOOR, NETWORK_WRONG_PASSWORDS, PUBLIC_REQUESTS, WRONG_PASSWORDS
from infrastructure.access_shipping import sink
from infrastructure.mail import SmtpMailer
from infrastructure.records_address import source_at
from infrastructure.signed_notes import NAME

T = TypeVar("T")
SMTP_SECONDS = 20  # of one attempt; infrastructure/mail.py
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """A variable cannot be used; the text names it and says what to write, and never quotes a secret."""


@dataclass(frozen=True)
class Settings:
    """Folders are absolute, addresses of pages have no slash at their end."""

    home: Path
    demo: bool
    host: str
    port: int
    ops_port: int
    public_url: str
    allowed_hosts: frozenset[str]  # without ports
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    cors_origins: frozenset[str]
    database_url: str | None = field(repr=False)  # None: the private PostgreSQL in `home`
    broker_url: str | None = field(repr=False)  # None: a queue in the process
    smtp_url: str | None = field(repr=False)  # None: files in `home`, in the demonstration only
    mail_from: str
    records_url: str | None = field(repr=False)  # None: the register is what was imported
    records_every: timedelta  # how often it is read
    master_key_file: Path
    log_name: str  # of a new signing key
    checkpoint_key_file: Path
    checkpoint_dir: Path
    checkpoint_command: str | None
    checkpoint_every: timedelta
    checkpoint_events: int
    institution_file: Path | None  # None: infrastructure/institution.toml
    matcher_file: Path | None  # None: infrastructure/matcher.toml
    documents_dir: Path
    document_megabytes: int  # that one may have, of a million bytes each
    places_file: Path | None  # None: networks are shown as their addresses
    access_log: str | None  # a file or a syslog; None: accesses stay in the log of events
    log_level: str
    initial_password_lifetime: timedelta
    reset_lifetime: timedelta  # of the link for a new password
    email_change_lifetime: timedelta  # of the link that confirms an address
    session_lifetime: timedelta
    session_idle: timedelta
    mails_a_door: int  # an hour and address
    guesses: Limits
    digest_at: time | None  # in Switzerland; None: no digest
    outbox_lease: timedelta
    outbox_attempts: int
    erasure_register: Path
    erasure_patience: timedelta  # that an erasure waits for the last message
    backups_kept: timedelta  # how long an older backup can be read
    unset: tuple[str, ...]  # variables that a service wants which is no demonstration

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises SettingsError. An empty value is none."""
        read = _Reader(environ)
        home = read("MATRICULE_HOME", Path, "./var").absolute()
        demo = read("MATRICULE_DEMO", _switch, "0")
        host = read("MATRICULE_HOST", _host, "127.0.0.1")
        if demo and not _is_loopback(host):
            raise SettingsError(
                "MATRICULE_HOST: the demonstration shows mails and passwords to everybody who reaches it: "
                "write 127.0.0.1, or set MATRICULE_DEMO=0."
            )
        port = read("MATRICULE_PORT", _port, "8000")
        ops_port = read("MATRICULE_OPS_PORT", _port, "8001")
        if port == ops_port:
            raise SettingsError("MATRICULE_OPS_PORT: write another number than in MATRICULE_PORT.")
        public_url = read("PUBLIC_URL", _origin, f"http://127.0.0.1:{port}")
        own_names = {urlsplit(public_url).hostname or ""} | ({"localhost", "127.0.0.1"} if demo else set())
        wanted = ("PUBLIC_URL", "SMTP_URL", "MAIL_FROM")
        return cls(
            home=home,
            demo=demo,
            host=host,
            port=port,
            ops_port=ops_port,
            public_url=public_url,
            allowed_hosts=frozenset(read("ALLOWED_HOSTS", _list_of(_host), ",".join(own_names))),
            trusted_proxies=tuple(read("TRUSTED_PROXIES", _list_of(_network), "")),
            cors_origins=frozenset(read("CORS_ORIGINS", _list_of(_origin), "")),
            database_url=read("DATABASE_URL", _database, None),
            broker_url=read("BROKER_URL", _broker, None),
            smtp_url=read("SMTP_URL", _mail_server, None),
            mail_from=read("MAIL_FROM", _sender, "no-reply@matricule.example"),
            records_url=read("RECORDS_URL", _records, None),
            records_every=timedelta(minutes=read("RECORDS_MINUTES", _number, "15")),
            master_key_file=read("MASTER_KEY_FILE", Path, str(home / "master.key")).absolute(),
            log_name=read("LOG_NAME", _log_name, f"{urlsplit(public_url).netloc}/log"),
            checkpoint_key_file=read("CHECKPOINT_KEY_FILE", Path, str(home / "checkpoint.key")).absolute(),
            checkpoint_dir=read("CHECKPOINT_DIR", Path, str(home / "checkpoints")).absolute(),
            checkpoint_command=read("CHECKPOINT_COMMAND", str, None),
            checkpoint_every=timedelta(seconds=read("CHECKPOINT_SECONDS", _number, "60")),
            checkpoint_events=read("CHECKPOINT_EVENTS", _count, "1000"),
            institution_file=read("INSTITUTION_FILE", _file, None),
            matcher_file=read("MATCHER_FILE", _file, None),
            documents_dir=read("DOCUMENTS_DIR", Path, str(home / "documents")).absolute(),
            document_megabytes=read("DOCUMENT_MEGABYTES", _count, "25"),
            places_file=read("PLACES_FILE", _file, None),
            access_log=read("ACCESS_LOG", _access_log, None),
            log_level=read("MATRICULE_LOG_LEVEL", _one_of(*LOG_LEVELS), "INFO"),
            initial_password_lifetime=timedelta(hours=read("INITIAL_PASSWORD_HOURS", _number, "72")),
            reset_lifetime=timedelta(minutes=read("PASSWORD_RESET_MINUTES", _number, "60")),
            email_change_lifetime=timedelta(hours=read("EMAIL_CHANGE_HOURS", _number, "24")),
            session_lifetime=timedelta(hours=read("SESSION_HOURS", _number, "24")),
            session_idle=timedelta(minutes=read("SESSION_IDLE_MINUTES", _number, "60")),
            mails_a_door=read("MAILS_AN_HOUR", _count, str(MAILS_A_DOOR)),
            guesses=Limits(
                wrong_passwords=read("WRONG_PASSWORDS", _count, str(WRONG_PASSWORDS)),
                network_wrong_passwords=read("NETWORK_WRONG_PASSWORDS", _count, str(NETWORK_WRONG_PASSWORDS)),
                public_requests=read("PUBLIC_REQUESTS_AN_HOUR", _count, str(PUBLIC_REQUESTS)),
            ),
            digest_at=read("DIGEST_AT", _hour, "07:00"),
            outbox_lease=timedelta(seconds=read("OUTBOX_LEASE_SECONDS", _lease, "30")),
            outbox_attempts=read("OUTBOX_ATTEMPTS", _count, "8"),
            erasure_register=read("ERASURE_REGISTER", Path, str(home / "erasures.jsonl")).absolute(),
            erasure_patience=timedelta(hours=read("ERASURE_MAIL_HOURS", _number, "24")),
            backups_kept=timedelta(days=read("BACKUP_DAYS", _count, "90")),
            unset=() if demo else tuple(name for name in wanted if not environ.get(name, "").strip()),
        )

    def check_serving(self) -> None:
        """Raises SettingsError where a service could not do its work, though a command could."""
        if self.unset:
            raise SettingsError(
                f"{', '.join(self.unset)}: set this to run the service (.env.example explains it), "
                "or MATRICULE_DEMO=1 for a demonstration on this machine."
            )


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(self, name: str, parse: Callable[[str], T], default: str | None) -> T:
        """The value of the variable, or of the default. Parsers raise ValueError with what to write."""
        text = self._environ.get(name, "").strip() or default
        if text is None:
            return None  # type: ignore[return-value]
        try:
            return parse(text)
        except ValueError as fault:
            raise SettingsError(f"{name}: {fault}.") from None


def _switch(text: str) -> bool:
    return _one_of("0", "1")(text) == "1"


def _one_of(*known: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(f"write {', '.join(known[:-1])} or {known[-1]}")
        return text

    return parse


def _list_of(parse: Callable[[str], T]) -> Callable[[str], list[T]]:
    return lambda text: [parse(part.strip()) for part in text.split(",") if part.strip()]


def _count(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise ValueError("write a whole number from 1")
    return int(text)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 1e6:
        raise ValueError("write a number above 0, like 1.5")
    return number


def _hour(text: str) -> time | None:
    if text == "never":
        return None
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError("write an hour like 07:00, or never")
    return time.fromisoformat(text)


def _lease(text: str) -> float:
    seconds = _number(text)
    if seconds <= SMTP_SECONDS:
        raise ValueError(f"write more than {SMTP_SECONDS}: as long may a mail server take")
    return seconds


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ValueError("write a number from 1 to 65535")
    return int(text)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9.-]+|\[?[0-9a-f:]+\]?", text.lower()):
        raise ValueError("write a host without a port, like account.school.example or 10.0.0.1")
    return text.lower()


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError("write addresses or networks, like 10.0.0.1,10.1.0.0/16") from None


def _origin(text: str) -> str:
    """Scheme, host and port, without a slash at the end."""
    text = text.removesuffix("/").lower()
    if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", text):
        raise ValueError("write scheme and host, like https://account.school.example, with no path behind it")
    return text


def _database(text: str) -> str:
    try:
        conninfo_to_dict(text)
    except psycopg.ProgrammingError:  # its words may hold the password
        raise ValueError("write postgresql://user:password@host:5432/database") from None
    return text


def _broker(text: str) -> str:
    if not all(re.match("amqps?://[^/]", url) for url in text.split(";")):
        raise ValueError("write amqp://user:password@host:5672/vhost, more than one with ; in between")
    return text


def _mail_server(text: str) -> str:
    SmtpMailer(text)
    return text


def _records(text: str) -> str:
    source_at(text)
    return text


def _sender(text: str) -> str:
    _name, address = parseaddr(text)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or not text.isprintable():
        raise ValueError("write an address, like no-reply@school.example or School <no-reply@school.example>")
    return text


def _log_name(text: str) -> str:
    if not NAME.fullmatch(text) or not text.isprintable():
        raise ValueError("write a name without spaces and plus signs, like account.school.example/log")
    return text


def _access_log(text: str) -> str:
    if text.startswith("syslog:"):
        sink(text)
        return text
    path = Path(text).absolute()
    if not path.parent.is_dir() or path.is_dir():
        raise ValueError("write the path of a file in a folder that is there, or syslog:/dev/log")
    return str(path)


def _file(text: str) -> Path:
    path = Path(text).absolute()
    if not path.is_file():
        raise ValueError("there is no such file; write the path of one")
    return path
