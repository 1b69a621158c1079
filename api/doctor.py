"""What `matricule doctor` looks at, and what it says to do."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg

from api import mirroring
from domain.calendar import swiss_day
from domain.errors import InitialPasswordsExhausted
from infrastructure import bootstrap
from infrastructure.bootstrap import READ_MODELS, Service
from infrastructure.broker import BrokerUnavailable
from infrastructure.database import pending_migrations
from infrastructure.embedded_postgres import EmbeddedPostgresError
from infrastructure.erasure_register import RegisterFault
from infrastructure.keys import KeyFault, read_keyring
from infrastructure.mail import MailFailed
from infrastructure.project import SNAPSHOT, STATUS
from infrastructure.rotation import outlived
from infrastructure.settings import Settings, SettingsError

OLDEST_SUPPORTED = 150_000  # PostgreSQL 15
LATE = 60  # s that a read model may be behind
LONG_WRITER = 10.0  # s; readers wait as long for its end
LOOK_AGAIN = 0.1  # s
PARKED = """
    SELECT CASE WHEN parked_for = 'exhausted' AND last_error = %(spent)s THEN 'spent'
                ELSE coalesce(parked_for, 'exhausted') END, count(*)
    FROM outbox WHERE state = 'parked' GROUP BY 1
"""


@dataclass(frozen=True)
class Finding:
    """verdict: ok | warning | fault. to_do: for whoever operates it; empty where all is well."""

    part: str
    verdict: str
    what: str
    to_do: str = ""


def examine(environ: Mapping[str, str]) -> list[Finding]:
    """Every part in turn; what rests on a part at fault is left out."""
    try:
        settings = Settings.from_environment(environ)
        settings.check_serving()
    except SettingsError as fault:
        return [Finding("settings", "fault", str(fault), "Correct this variable; .env.example explains it.")]
    findings = [Finding("settings", "ok", "demonstration" if settings.demo else "complete")]
    try:
        with bootstrap.database(settings) as conninfo:
            findings += _database(conninfo, settings)
            if any(finding.verdict == "fault" for finding in findings):
                return findings
            with bootstrap.service(settings, conninfo) as service:
                for check in (_broker, _mail, _outbox, _projections, _records, _cases, _erasures, _horizon):
                    findings += check(service)
    except (psycopg.OperationalError, EmbeddedPostgresError) as fault:
        to_do = (
            "Start it, or correct DATABASE_URL."
            if settings.database_url
            else "See its log in MATRICULE_HOME."
        )
        findings.append(Finding("database", "fault", f"does not answer: {str(fault).splitlines()[0]}", to_do))
    except RegisterFault as fault:
        findings.append(
            Finding("erasures", "fault", str(fault), "Nobody starts without it: people could come back.")
        )
    return findings


def _database(conninfo: str, settings: Settings) -> Iterator[Finding]:
    with psycopg.connect(conninfo, autocommit=True, connect_timeout=5) as connection:
        number = connection.info.server_version
        name = f"PostgreSQL {number // 10000}.{number % 10000}"
        if number < OLDEST_SUPPORTED:
            yield Finding("database", "fault", f"{name} is too old", "Use PostgreSQL 15 or newer.")
            return
        missing = pending_migrations(connection)
        if missing:
            yield Finding("database", "fault", f"lacks {', '.join(missing)}", "Run matricule migrate.")
            return
        (fsync,) = connection.execute("SHOW fsync").fetchone()
        if fsync == "off":
            yield Finding(
                "database", "warning", "fsync is off: a crash loses what was acknowledged", "Set fsync = on."
            )
        yield Finding("database", "ok", name)
        yield _keys(settings, connection)


def _keys(settings: Settings, connection: psycopg.Connection) -> Finding:
    file = settings.master_key_file
    if not file.exists() and not bootstrap.something_sealed(connection):
        return Finding("keys", "ok", f"the master key will be made at the first start, in {file}")
    try:
        keyring = read_keyring(file)
    except KeyFault as fault:
        return Finding("keys", "fault", str(fault), "Without it nothing sealed can be read.")
    promised = settings.backups_kept.days
    for generation, days in outlived(connection, keyring).items():
        if days > promised:
            return Finding(
                "keys",
                "warning",
                f"generation {generation} of the master key is old for {days} days, and still opens the backups of its "
                f"time; erased people were promised {promised} days",
                f"Stop the service, run matricule keys retire {generation}, and remove it from every copy of {file}.",
            )
    return Finding("keys", "ok", f"the master key is in {file}")


def _broker(service: Service) -> Iterator[Finding]:
    if not service.settings.broker_url:
        yield Finding("broker", "ok", "a queue in the service's own process")
        return
    try:
        service.broker.check()
        yield Finding("broker", "ok", "RabbitMQ answers, the queue is there")
    except BrokerUnavailable as fault:
        yield Finding(
            "broker",
            "fault",
            f"does not answer ({fault.code})",
            "Start it, or correct BROKER_URL. Where the server answers and its queue does not, which a crash within "
            "the queue's first second can cause: rabbitmqctl delete_queue matricule.outbox. Nothing is lost by it.",
        )


def _mail(service: Service) -> Iterator[Finding]:
    try:
        with service.mailer.connect():
            pass
    except MailFailed as fault:
        yield Finding(
            "mail", "fault", f"does not answer ({fault.code})", "Correct SMTP_URL; mails wait meanwhile."
        )
        return
    where = "the mail server answers" if service.settings.smtp_url else "files in MATRICULE_HOME/outbox"
    yield Finding("mail", "ok", where)


def _outbox(service: Service) -> Iterator[Finding]:
    with service.pool.connection() as connection:
        parked = dict(connection.execute(PARKED, {"spent": InitialPasswordsExhausted.code}).fetchall())
        (lost,) = connection.execute(
            "SELECT count(*) FROM outbox WHERE state IN ('bounced', 'failed')"
        ).fetchone()
        (intake,) = connection.execute("SELECT count(*) FROM intake").fetchone()
    held = parked.get("restored", 0) + service.outbox_queue.held_requests()
    if held:
        yield Finding(
            "outbox",
            "warning",
            f"{held} mails and requests are parked, for this database is a restored copy",
            "See that no other copy is in service, then run matricule release.",
        )
    if parked.get("exhausted"):
        yield Finding(
            "outbox",
            "warning",
            f"{parked['exhausted']} items are parked after too many attempts",
            "Mend the cause (column last_error of table outbox), then run matricule release.",
        )
    if parked.get("spent"):
        yield Finding(
            "outbox",
            "warning",
            f"{parked['spent']} initial passwords are parked: three were sent, and whether one arrived nobody knows",
            "Mend the cause and have another one sent: POST /accounts/<id>/resend, or «Send an initial password "
            "again» on the account's page. Only then run matricule release; before, it parks them again.",
        )
    if lost:
        yield Finding(
            "outbox",
            "warning",
            f"{lost} mails were refused for good or failed",
            "See column last_error of table outbox, and reach these people in another way.",
        )
    if not parked and not held and not lost:
        yield Finding("outbox", "ok", "nothing is parked")
    if intake > 1000:
        yield Finding(
            "intake", "warning", f"{intake} requests wait for a decision", "See that matricule work runs."
        )


def _projections(service: Service) -> Iterator[Finding]:
    with service.pool.connection() as connection:
        rows = {row[0]: row[1:] for row in connection.execute(STATUS)}
    for model in READ_MODELS:
        if model.name not in rows:
            yield Finding(
                "projections", "warning", f"{model.name} is not made yet", "Start matricule project."
            )
            continue
        _, _, seconds, parked = rows[model.name]
        if parked:
            yield Finding(
                "projections",
                "fault",
                f"{model.name} could not fold {parked} streams",
                f"Mend the cause, then restart matricule project or run matricule rebuild {model.name}.",
            )
        elif seconds and seconds > LATE:
            yield Finding(
                "projections",
                "warning",
                f"{model.name} is {seconds:.0f} s behind",
                "See that matricule project runs.",
            )
        else:
            yield Finding("projections", "ok", f"{model.name} is up to date")


def _records(service: Service) -> Iterator[Finding]:
    state = mirroring.records_state(service)
    if state["source"] == "files":
        yield Finding("records", "ok", "from files")
        return
    if state["fault"]:
        what = f"{state['source']} {mirroring.said(state['fault'], state['detail'])}"
        since = f"{state['since']:%d.%m.%Y %H:%M} UTC"
        yield Finding("records", "warning", f"{what}, since {since}", mirroring.to_do(state["fault"]))
    elif not state["read_at"]:
        yield Finding("records", "warning", "were never read", "See that matricule tick runs.")
    elif state["late"]:
        yield Finding(
            "records",
            "warning",
            f"were read {state['age_seconds'] / 60:.0f} minutes ago",
            "See that matricule tick runs.",
        )
    else:
        yield Finding("records", "ok", f"{state['records']:,} from {state['source']}")
    if state["refused"]:
        yield Finding(
            "records",
            "warning",
            f"{state['refused']} could not be taken ({', '.join(state['refusals'])})",
            "matricule records refresh names them; correct them where they are kept.",
        )


def _cases(service: Service) -> Iterator[Finding]:
    try:
        backlog = service.backlog()
    except psycopg.errors.UndefinedTable:  # which the projections say
        return
    if backlog.late:
        days = service.institution.working_days
        open_for = days.passed(swiss_day(backlog.oldest), swiss_day(service.clock.now()))
        yield Finding(
            "cases",
            "warning",
            f"{backlog.late} of {backlog.open} open cases are late; the oldest has waited {open_for} working days",
            "Tell the secretariat: /console shows them, the oldest deadline first.",
        )
    else:
        yield Finding("cases", "ok", f"{backlog.open} open, none late")


def _erasures(service: Service) -> Iterator[Finding]:
    noted = {entry.account_id for entry in service.erasure_register.entries()}
    with service.pool.connection() as connection:
        rows = connection.execute("SELECT account_id, state, due_at < now() FROM erasures").fetchall()
    missing = sum(account_id not in noted for account_id, state, _ in rows if state == "done")
    late = sum(bool(overdue) for _, state, overdue in rows if state == "approved")
    if missing:
        yield Finding(
            "erasures",
            "fault",
            f"the register {service.settings.erasure_register} lacks {missing} people who were erased",
            "Bring back its copy: a restored backup would bring them back.",
        )
    elif late:
        yield Finding(
            "erasures", "warning", f"{late} approved erasures are late", "See that matricule tick runs."
        )
    else:
        yield Finding("erasures", "ok", f"the register knows {len(noted)} people")


def _horizon(service: Service, patience: float = LONG_WRITER) -> Iterator[Finding]:
    if _somebody_writes_on(service, patience):
        yield Finding(
            "horizon",
            "warning",
            f"a transaction on this server writes for more than {patience:.0f} s, and readers of the log wait for it",
            "Find it in pg_stat_activity (the greatest age(backend_xid)) or in pg_prepared_xacts, and end it.",
        )
    else:
        yield Finding("horizon", "ok", "no long writer holds readers back")


def _somebody_writes_on(service: Service, patience: float) -> bool:
    """Whether one of those who write now still does so many seconds later. It needs no privilege."""
    end = time.monotonic() + patience
    with service.pool.connection() as connection:
        with connection.transaction():  # whose id is higher than that of whoever writes
            (own,) = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        while connection.execute(SNAPSHOT).fetchone()[0] < own:
            if time.monotonic() > end:
                return True
            time.sleep(LOOK_AGAIN)
    return False
