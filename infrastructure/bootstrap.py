"""Settings → wired parts. The only place that wires."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from random import SystemRandom
from uuid import uuid4

import psycopg
from psycopg_pool import ConnectionPool

from application.accesses import Accesses
from application.accounts import Accounts
from application.address_changes import AddressChanges
from application.assistance import Assistance
from application.erasures import Erasures
from application.guesses import Guesses
from application.imports import Imports
from application.invitations import Invitations
from application.linking import Linking
from application.merges import Merges
from application.passwords import Passwords
from application.portfolios import Portfolios
from application.ports import AccountRequest, Clock, ResetRequest
from application.profiles import Profiles
from application.reauthentication import Reauthentication
from application.recovery import Recovery
from application.reviews import Reviews
from application.second_factors import Factors
from application.standings import Standings
from domain.calendar import swiss_day
from domain.matching import Matcher
from infrastructure import broker
from infrastructure.access_shipping import ShipAccesses, sink
from infrastructure.access_trail import AccessTrail
from infrastructure.accounts_import import AccountsImport
from infrastructure.audit_log import AuditLog
from infrastructure.bounces import Bounces
from infrastructure.broker import Broker
from infrastructure.checkpoints import Checkpoints
from infrastructure.credentials import HashedCredentials, HashQueue
from infrastructure.database import open_pool
from infrastructure.decide import Decide
from infrastructure.deliver import Deliveries
from infrastructure.devices import KnownDevices
from infrastructure.digest import Digest, DigestContents
from infrastructure.documents import MEGABYTE, Documents
from infrastructure.doorbell import Doorbell
from infrastructure.embedded_postgres import EmbeddedPostgres
from infrastructure.erase import Erase, apply_register
from infrastructure.erasure_book import StoredErasures
from infrastructure.erasure_register import ErasureRegister
from infrastructure.event_mapper import opener
from infrastructure.event_store import EventStore
from infrastructure.evidence import Evidence
from infrastructure.exports import Exports
from infrastructure.failed_sign_ins import SealedFailedSignIns
from infrastructure.forgetting import WriteSideTraces
from infrastructure.history import History
from infrastructure.import_jobs import ImportJobs
from infrastructure.instants import Instants
from infrastructure.institution import Institution, load_institution
from infrastructure.intake import SealedIntake
from infrastructure.kept_forms import KeptForms
from infrastructure.keys import KeyFault, Keyring, make_keyring, read_keyring
from infrastructure.letters import Letters
from infrastructure.likeness import likeness
from infrastructure.links import MailedLinks
from infrastructure.lookup import DigestLookup
from infrastructure.mail import FileMailer, Mailer, SmtpMailer
from infrastructure.matcher_file import load_model
from infrastructure.note_failures import NoteFailures
from infrastructure.observability import Metrics
from infrastructure.outbox import OutboxQueue
from infrastructure.passkey_answers import StoredPasskeyAnswers
from infrastructure.passkey_questions import PasskeyQuestions
from infrastructure.passkeys import Site, StoredPasskeys
from infrastructure.password_hash import COSTS, Costs
from infrastructure.password_quality import OfflineQuality
from infrastructure.past import Past
from infrastructure.places import Places
from infrastructure.portfolio import Portfolio
from infrastructure.processes import Role
from infrastructure.project import Project
from infrastructure.proofs import Proofs
from infrastructure.publish import Publish
from infrastructure.records import Records
from infrastructure.records_address import source_at
from infrastructure.records_mirror import Mirror
from infrastructure.records_source import Source
from infrastructure.recovery_codes import StoredRecoveryCodes
from infrastructure.refresh_records import RefreshRecords
from infrastructure.relay import Relay
from infrastructure.review_records import ReviewRecords
from infrastructure.rotation import pending
from infrastructure.search import Search
from infrastructure.second_factors import StoredSecondFactors
from infrastructure.sessions import StoredRoles, StoredSessions
from infrastructure.settings import Settings
from infrastructure.sign_in_link import SignInLinks
from infrastructure.signed_notes import Signer
from infrastructure.signing_key import make_signer, read_signer
from infrastructure.statistics import Reports
from infrastructure.take_over import TakeOver
from infrastructure.throttle import StoredThrottle
from infrastructure.tick import Tick
from infrastructure.totp import TotpFactors
from infrastructure.uninvited import Uninvited
from infrastructure.watermark import Watermark
from infrastructure.worker import Worker
from projections.accesses import AccessPlaces, accesses, account_accesses
from projections.cases import Backlog, Cases, cases
from projections.directory import Directory, directory
from projections.finder import Finder, finder
from projections.outbox import outbox
from projections.statistics import Statistics, statistics
from projections.timeline import Timeline, timeline
from projections.tree import Tree, tree

# The projector folds them in this order, and PostgreSQL writes one's rows while the next one's are folded: so what
# it writes longest comes before what takes longest to fold. The tree has to ask first where it ends.
READ_MODELS = (tree, outbox, directory, timeline, accesses, account_accesses, cases, statistics, finder)
CONNECTIONS = 20  # of one process; a thread holds one for the time of a statement or a transaction
WORKERS = 2


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Service:
    """The parts of one process. Close it when done."""

    settings: Settings
    institution: Institution
    conninfo: str
    clock: Clock
    keyring: Keyring
    pool: ConnectionPool
    doorbell: Doorbell
    metrics: Metrics
    broker: Broker
    mailer: Mailer
    store: EventStore
    reauthentication: Reauthentication
    accesses: Accesses
    accounts: Accounts
    recovery: Recovery
    address_changes: AddressChanges
    standings: Standings
    factors: Factors
    profiles: Profiles
    linking: Linking
    merges: Merges
    assistance: Assistance
    erasures: Erasures
    erasure_book: StoredErasures
    erasure_register: ErasureRegister
    intake: SealedIntake
    failed_sign_ins: SealedFailedSignIns
    sessions: StoredSessions
    devices: KnownDevices
    kept_forms: KeptForms
    sign_in_links: SignInLinks
    records: Records
    mirror: Mirror
    imports: Imports
    accounts_import: AccountsImport
    import_jobs: ImportJobs
    invitations: Invitations
    uninvited: Uninvited
    documents: Documents
    portfolio_items: Portfolio
    portfolios: Portfolios
    directory: Directory
    search: Search
    cases: Cases
    reports: Reports
    history: History
    access_trail: AccessTrail
    instants: Instants
    past: Past
    audit_log: AuditLog
    exports: Exports
    places: Places
    watermark: Watermark
    outbox_queue: OutboxQueue
    bounces: Bounces
    deliveries: Deliveries
    roles: StoredRoles
    tree: Tree
    checkpoints: Checkpoints
    proofs: Proofs
    evidence: Evidence

    @property
    def records_source(self) -> Source | None:
        """None where the register comes from files."""
        return source_at(self.settings.records_url) if self.settings.records_url else None

    def close(self) -> None:
        self.broker.close()
        self.doorbell.close()
        self.store.close()
        self.pool.close()

    def backlog(self) -> Backlog:
        """What waits for the secretariat today."""
        today = swiss_day(self.clock.now())
        return self.cases.backlog(today, self.institution.working_days.after(today, 1))

    def relay(self) -> list[Role]:
        return [
            Relay(
                self.outbox_queue,
                self.broker,
                self.doorbell,
                postpone=2 * self.settings.outbox_lease.total_seconds(),
            )
        ]

    def work(self) -> list[Role]:
        workers = [
            Worker(
                f"work-{number}",
                self.outbox_queue,
                self.broker,
                self.deliveries.handlers(),
                SystemRandom(),
                self.metrics,
                lease=self.settings.outbox_lease.total_seconds(),
                max_attempts=self.settings.outbox_attempts,
            )
            for number in range(1, WORKERS + 1)
        ]
        decisions = {
            AccountRequest: self.accounts.decide_request,
            ResetRequest: self.recovery.decide_reset,
        }
        return [
            Decide(self.intake, decisions, self.doorbell),
            *workers,
            NoteFailures(self.failed_sign_ins, self.accesses),
            TakeOver(
                self.import_jobs,
                self.accounts_import,
                self.records,
                self.portfolio_items,
                self.clock,
                self.doorbell,
            ),
        ]

    def project(self) -> list[Project]:
        return [Project(self.conninfo, READ_MODELS, opener(self.keyring), self.doorbell)]

    def tick(self) -> list[Role]:
        publish = Publish(
            checkpoints=self.checkpoints,
            tree=self.tree,
            roles=self.roles,
            outbox=self.outbox_queue,
            doorbell=self.doorbell,
            clock=self.clock,
            settings=self.settings,
            metrics=self.metrics,
        )
        address = self.settings.access_log
        shipping = [ShipAccesses(self.conninfo, sink(address), self.doorbell)] if address else []
        erase = Erase(self.erasures, self.erasure_book, self.clock)
        refresh = RefreshRecords(self.mirror, self.records_source, self.settings.records_every, self.clock)
        review = ReviewRecords(self.pool, Reviews(self.linking), self.accounts.lookup, self.directory)
        return [Tick(self.pool, self.clock), publish, erase, refresh, review, *self._digest(), *shipping]

    def _digest(self) -> list[Role]:
        at = self.settings.digest_at
        if at is None:
            return []
        return [
            Digest(
                outbox=self.outbox_queue,
                roles=self.roles,
                doorbell=self.doorbell,
                clock=self.clock,
                calendar=self.institution.working_days,
                at=at,
            )
        ]


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The connection string of the database, the embedded server started for as long as somebody uses it."""
    if settings.database_url:
        yield settings.database_url
        return
    embedded = EmbeddedPostgres(settings.home)
    try:
        yield embedded.start()
    finally:
        embedded.stop()


def keyring(settings: Settings, conninfo: str) -> Keyring:
    """The master key, made where there is none and nothing was sealed yet. Raises KeyFault."""
    file = settings.master_key_file
    if pending(file).exists():
        raise KeyFault("A rotation of the master key was not finished: run matricule keys rotate.")
    if file.exists():
        return read_keyring(file)
    with psycopg.connect(conninfo) as connection:
        if something_sealed(connection):
            raise KeyFault(
                f"The master key file {file} is missing, and the database is sealed with it: bring back its copy."
            )
    return make_keyring(file)


def signer(settings: Settings, conninfo: str) -> Signer:
    """The key that signs checkpoints, made where there is none and nothing was signed yet. Raises KeyFault."""
    file = settings.checkpoint_key_file
    if file.exists():
        return read_signer(file)
    with psycopg.connect(conninfo) as connection:
        (signed,) = connection.execute("SELECT EXISTS (SELECT FROM checkpoints)").fetchone()
    if signed:
        raise KeyFault(
            f"The signing key file {file} is missing, and the log is signed with it: bring back its copy."
        )
    return make_signer(file, settings.log_name)


def something_sealed(connection: psycopg.Connection) -> bool:
    (some,) = connection.execute(
        "SELECT EXISTS (SELECT FROM data_keys) OR EXISTS (SELECT FROM lookup) OR EXISTS (SELECT FROM intake)"
    ).fetchone()
    return some


@contextmanager
def service(
    settings: Settings, conninfo: str, clock: Clock | None = None, costs: Costs = COSTS
) -> Iterator[Service]:
    """The wired parts on a migrated database, closed at the end. Nobody is in it who was erased.

    clock: None for the machine's. costs: of a password's hash.
    Raises infrastructure.erasure_register.RegisterFault.
    """
    built = build(settings, conninfo, clock or SystemClock(), costs)
    try:
        apply_register(built.erasures, built.erasure_register)
        yield built
    finally:
        built.close()


def build(settings: Settings, conninfo: str, clock: Clock, costs: Costs = COSTS) -> Service:
    institution, keys = load_institution(settings.institution_file), keyring(settings, conninfo)
    metrics = Metrics()
    pool, doorbell = open_pool(conninfo, size=CONNECTIONS, name="service"), Doorbell(conninfo)

    def appended(count: int) -> None:
        metrics.events_appended.inc(count)
        doorbell.ring("events")

    store = EventStore(pool, keys, after_append=appended)
    lookup = DigestLookup(pool, keys)
    queue = HashQueue()
    metrics.hash_queue.set_function(lambda: queue.waiting)
    sessions = StoredSessions(pool, lifetime=settings.session_lifetime, idle=settings.session_idle)
    intake = SealedIntake(pool, keys.box("intake"), after_put=lambda: doorbell.ring("intake"))
    failed_sign_ins = SealedFailedSignIns(pool, keys.box("failed-sign-in"))
    devices = KnownDevices(pool, lookup)
    records = Records(pool, writable=not settings.records_url)
    known_cases, known_accounts = Cases(pool), Directory(pool)
    known_tree, roles, outbox_queue = Tree(pool), StoredRoles(pool), OutboxQueue(pool)
    checkpoints = Checkpoints(pool, known_tree, signer(settings, conninfo), clock, settings.checkpoint_dir)
    past = Past(store)
    instants, audit_log, watermark = (
        Instants(pool),
        AuditLog(pool, keys),
        Watermark(pool, doorbell, keys.box("position")),
    )
    documents = Documents(settings.documents_dir, most_bytes=settings.document_megabytes * MEGABYTE)
    portfolio_items = Portfolio(pool, documents)
    credentials, links = HashedCredentials(pool, lookup, queue, keys, costs), MailedLinks(pool)
    passwords = Passwords(OfflineQuality(), store, institution.name)
    guesses = Guesses(StoredThrottle(pool, keys), devices, clock, settings.guesses)
    site = Site.of(settings.public_url)
    passkey_answers = StoredPasskeyAnswers(pool, PasskeyQuestions(keys), site)
    reauthentication = Reauthentication(store, credentials, passkey_answers, sessions, guesses, clock)
    factors = Factors(
        log=store,
        credentials=credentials,
        sessions=sessions,
        devices=devices,
        reauthentication=reauthentication,
        stored=StoredSecondFactors(pool),
        totp=TotpFactors(pool, keys.box("totp"), issuer=institution.name),
        passkeys=StoredPasskeys(pool, site, name=institution.name),
        passkey_answers=passkey_answers,
        recovery_codes=StoredRecoveryCodes(pool, keys),
        clock=clock,
    )
    accounts = Accounts(
        log=store,
        lookup=lookup,
        credentials=credentials,
        factors=factors,
        passwords=passwords,
        sessions=sessions,
        devices=devices,
        guesses=guesses,
        roles=roles,
        intake=intake,
        failed=failed_sign_ins,
        reauthentication=reauthentication,
        clock=clock,
        new_id=uuid4,
        initial_password_lifetime=settings.initial_password_lifetime,
        mails_a_door=settings.mails_a_door,
    )
    recovery = Recovery(
        log=store,
        lookup=lookup,
        links=links,
        credentials=credentials,
        factors=factors,
        passwords=passwords,
        sessions=sessions,
        devices=devices,
        guesses=guesses,
        intake=intake,
        clock=clock,
        new_id=uuid4,
        link_lifetime=settings.reset_lifetime,
        mails_a_door=settings.mails_a_door,
    )
    address_changes = AddressChanges(
        log=store,
        lookup=lookup,
        links=links,
        credentials=credentials,
        sessions=sessions,
        devices=devices,
        reauthentication=reauthentication,
        clock=clock,
        confirmation_lifetime=settings.email_change_lifetime,
        mails_a_door=settings.mails_a_door,
    )
    standings = Standings(store, links, credentials, sessions, devices, reauthentication, clock)
    places, access_places = Places(settings.places_file), AccessPlaces(pool)
    history = History(store, Timeline(pool), access_places, known_accounts, places)
    linking = Linking(
        log=store,
        lookup=lookup,
        records=records,
        cases=known_cases,
        matcher=Matcher(load_model(settings.matcher_file), likeness),
        clock=clock,
        calendar=institution.working_days,
        new_id=uuid4,
    )
    imports = Imports(store, lookup, records, clock, uuid4)
    erasure_book, erasure_register = StoredErasures(pool), ErasureRegister(settings.erasure_register)
    erasures = Erasures(
        log=store,
        book=erasure_book,
        register=erasure_register,
        traces=WriteSideTraces(intake, failed_sign_ins),
        clock=clock,
        new_id=uuid4,
        patience=settings.erasure_patience,
    )
    mailer = SmtpMailer(settings.smtp_url) if settings.smtp_url else FileMailer(settings.home / "outbox")
    sign_in_links = SignInLinks(settings.public_url, keys.box("sign-in-link"))
    deliveries = Deliveries(
        store=store,
        accounts=accounts,
        linking=linking,
        letters=Letters(
            store=store,
            recovery=recovery,
            address_changes=address_changes,
            standings=standings,
            records=records,
            places=places,
            checkpoints=checkpoints,
            digest=DigestContents(
                cases=known_cases,
                outbox=outbox_queue,
                calendar=institution.working_days,
                public_url=settings.public_url,
                at=settings.digest_at or time.min,
            ),
            roles=roles,
            settings=settings,
            clock=clock,
            erasure_law=institution.erasure_law,
        ),
        mailer=mailer,
        links=sign_in_links,
        institution=institution,
        settings=settings,
        clock=clock,
    )
    return Service(
        settings=settings,
        institution=institution,
        conninfo=conninfo,
        clock=clock,
        keyring=keys,
        pool=pool,
        doorbell=doorbell,
        metrics=metrics,
        broker=broker.connect(settings.broker_url, on_malformed=metrics.malformed_messages.inc),
        mailer=mailer,
        store=store,
        reauthentication=reauthentication,
        accesses=Accesses(store, lookup, clock, uuid4),
        accounts=accounts,
        recovery=recovery,
        address_changes=address_changes,
        standings=standings,
        places=places,
        factors=factors,
        profiles=Profiles(log=store, lookup=lookup, clock=clock, calendar=institution.working_days),
        linking=linking,
        merges=Merges(store, lookup, standings, clock, institution.working_days, uuid4),
        assistance=Assistance(store, clock),
        erasures=erasures,
        erasure_book=erasure_book,
        erasure_register=erasure_register,
        intake=intake,
        failed_sign_ins=failed_sign_ins,
        sessions=sessions,
        devices=devices,
        kept_forms=KeptForms(pool, keys.box("kept-form")),
        sign_in_links=sign_in_links,
        records=records,
        mirror=Mirror(pool, conninfo),
        imports=imports,
        accounts_import=AccountsImport(imports),
        import_jobs=ImportJobs(pool, keys.box("import"), after_put=lambda: doorbell.ring("imports")),
        invitations=Invitations(store, clock),
        uninvited=Uninvited(pool),
        documents=documents,
        portfolio_items=portfolio_items,
        portfolios=Portfolios(store, portfolio_items, clock),
        directory=known_accounts,
        search=Search(lookup, Finder(pool), known_accounts),
        cases=known_cases,
        reports=Reports(Statistics(pool), known_cases, outbox_queue, institution.working_days),
        history=history,
        access_trail=AccessTrail(store, access_places, history),
        instants=instants,
        past=past,
        audit_log=audit_log,
        exports=Exports(
            pool,
            log=audit_log,
            instants=instants,
            watermark=watermark,
            tree=known_tree,
            checkpoints=checkpoints,
            clock=clock,
        ),
        watermark=watermark,
        outbox_queue=outbox_queue,
        bounces=Bounces(outbox_queue),
        deliveries=deliveries,
        roles=roles,
        tree=known_tree,
        checkpoints=checkpoints,
        proofs=Proofs(pool, known_tree, checkpoints),
        evidence=Evidence(
            pool=pool,
            keyring=keys,
            past=past,
            tree=known_tree,
            checkpoints=checkpoints,
            watermark=watermark,
            history=history,
            clock=clock,
        ),
    )
