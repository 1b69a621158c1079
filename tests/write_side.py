"""The write side and its use cases over one database, with a clock that stands still."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID, uuid4

from people import AURELIE, AURELIE_ADDRESS, DAY, HOUR, NOON
from psycopg import Cursor

from application.accesses import Accesses
from application.accounts import Accounts
from application.address_changes import AddressChanges
from application.assistance import Assistance
from application.guesses import Guesses, Limits
from application.linking import Linking
from application.merges import Merges
from application.passwords import Passwords
from application.ports import AccountRequest, ResetRequest
from application.profiles import Profiles
from application.reauthentication import Reauthentication
from application.recovery import Recovery
from application.second_factors import Factors
from application.standings import Standings
from domain.calendar import WorkingDays
from domain.matching import Matcher
from domain.profile import PersonalData
from domain.values import spellings
from infrastructure.credentials import HashedCredentials, HashQueue
from infrastructure.database import migrate, open_pool
from infrastructure.decide import Decide
from infrastructure.devices import KnownDevices
from infrastructure.event_store import EventStore
from infrastructure.failed_sign_ins import SealedFailedSignIns
from infrastructure.intake import SealedIntake
from infrastructure.keys import Keyring
from infrastructure.likeness import likeness
from infrastructure.links import MailedLinks
from infrastructure.lookup import DigestLookup
from infrastructure.matcher_file import load_model
from infrastructure.passkey_answers import StoredPasskeyAnswers
from infrastructure.passkey_questions import PasskeyQuestions
from infrastructure.passkeys import Site, StoredPasskeys
from infrastructure.password_hash import Costs
from infrastructure.password_quality import OfflineQuality
from infrastructure.records import Records
from infrastructure.recovery_codes import StoredRecoveryCodes
from infrastructure.second_factors import StoredSecondFactors
from infrastructure.sessions import StoredRoles, StoredSessions
from infrastructure.throttle import StoredThrottle
from infrastructure.totp import TotpFactors
from projections.cases import Cases

PUBLIC_URL = "https://account.school.example"
KEYRING = Keyring({1: b"a master key of the tests, 32 by"})
CHEAP = Costs(time=1, memory_kib=8, lanes=1)  # what argon2id takes at least, where the hash is not the point


def nothing(*_: object) -> None:
    """An effect, or a bell, that does nothing."""


@dataclass
class StandingClock:
    at: datetime

    def now(self) -> datetime:
        return self.at

    def goes_on(self, time: timedelta) -> None:
        self.at += time


class WriteSide:
    def __init__(
        self,
        database_url: str,
        *,
        keyring: Keyring = KEYRING,
        connections: int = 4,
        costs: Costs = CHEAP,
    ) -> None:
        migrate(database_url)
        self.url = database_url
        self.pool = open_pool(database_url, size=connections, name="test")
        self.clock = StandingClock(NOON)
        self.keyring, self.costs = keyring, costs
        self.store = EventStore(self.pool, keyring, after_append=nothing)
        self.lookup = DigestLookup(self.pool, keyring)
        self.credentials = self.hashed(HashQueue(waiting=100))
        self.sessions = StoredSessions(self.pool, lifetime=12 * HOUR, idle=HOUR)
        self.passwords = Passwords(OfflineQuality(), self.store, "HEP-BEJUNE")
        self.devices = KnownDevices(self.pool, self.lookup)
        self.throttle = StoredThrottle(self.pool, keyring)
        self.guesses = Guesses(self.throttle, self.devices, self.clock, Limits())
        self.roles = StoredRoles(self.pool)
        self.intake = SealedIntake(self.pool, keyring.box("intake"), after_put=nothing)
        self.failed_sign_ins = SealedFailedSignIns(self.pool, keyring.box("failed-sign-in"))
        self.accesses = Accesses(self.store, self.lookup, self.clock, uuid4)
        self.links = MailedLinks(self.pool)
        site = Site.of(PUBLIC_URL)
        self.passkey_answers = StoredPasskeyAnswers(self.pool, PasskeyQuestions(keyring), site)
        self.reauthentication = Reauthentication(
            self.store, self.credentials, self.passkey_answers, self.sessions, self.guesses, self.clock
        )
        self.factors = Factors(
            log=self.store,
            credentials=self.credentials,
            sessions=self.sessions,
            devices=self.devices,
            reauthentication=self.reauthentication,
            stored=StoredSecondFactors(self.pool),
            totp=TotpFactors(self.pool, keyring.box("totp"), issuer="HEP"),
            passkeys=StoredPasskeys(self.pool, site, name="HEP"),
            passkey_answers=self.passkey_answers,
            recovery_codes=StoredRecoveryCodes(self.pool, keyring),
            clock=self.clock,
        )
        self.accounts = Accounts(
            log=self.store,
            lookup=self.lookup,
            credentials=self.credentials,
            factors=self.factors,
            passwords=self.passwords,
            sessions=self.sessions,
            devices=self.devices,
            guesses=self.guesses,
            roles=self.roles,
            intake=self.intake,
            failed=self.failed_sign_ins,
            reauthentication=self.reauthentication,
            clock=self.clock,
            new_id=uuid4,
            initial_password_lifetime=3 * DAY,
        )
        self.recovery = Recovery(
            log=self.store,
            lookup=self.lookup,
            links=self.links,
            credentials=self.credentials,
            factors=self.factors,
            passwords=self.passwords,
            sessions=self.sessions,
            devices=self.devices,
            guesses=self.guesses,
            intake=self.intake,
            clock=self.clock,
            new_id=uuid4,
            link_lifetime=HOUR,
        )
        self.address_changes = AddressChanges(
            log=self.store,
            lookup=self.lookup,
            links=self.links,
            credentials=self.credentials,
            sessions=self.sessions,
            devices=self.devices,
            reauthentication=self.reauthentication,
            clock=self.clock,
            confirmation_lifetime=DAY,
        )
        self.standings = Standings(
            self.store,
            self.links,
            self.credentials,
            self.sessions,
            self.devices,
            self.reauthentication,
            self.clock,
        )
        self.merges = Merges(self.store, self.lookup, self.standings, self.clock, WorkingDays("BE"), uuid4)
        self.assistance = Assistance(self.store, self.clock)
        decisions = {
            AccountRequest: self.accounts.decide_request,
            ResetRequest: self.recovery.decide_reset,
        }
        self.decide = Decide(self.intake, decisions, doorbell=None)  # which only its loop waits for
        self.profiles = Profiles(
            log=self.store, lookup=self.lookup, clock=self.clock, calendar=WorkingDays("BE")
        )
        self.linking = Linking(
            log=self.store,
            lookup=self.lookup,
            records=Records(self.pool),
            cases=Cases(self.pool),
            matcher=Matcher(load_model(None), likeness),
            clock=self.clock,
            calendar=WorkingDays("BE"),
            new_id=uuid4,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.close()

    def hashed(self, queue: HashQueue) -> HashedCredentials:
        return HashedCredentials(self.pool, self.lookup, queue, self.keyring, self.costs)

    # --- what has been before

    def opened(self, email: str = AURELIE_ADDRESS) -> UUID:
        """An account that was asked for and decided on."""
        self.accounts.request(email, "Aurélie", "Chappuis", "fr", "2025-08")
        for number, sealed in self.intake.waiting(1):
            wanted = self.intake.open(sealed)
            self.accounts.decide_request(wanted, self.intake.taken(number))
        (account_id,) = self.lookup.find("email", email)
        return account_id

    def submitted(self, email: str = AURELIE_ADDRESS, data: PersonalData = AURELIE) -> UUID:
        """An account with personal data, not matched yet."""
        account_id = self.opened(email)
        self.profiles.submit(account_id, data, actor=account_id)
        return account_id

    def with_records(self, *records: dict) -> None:
        """Put records into the register, as an import would. By default, Aurélie's."""
        for record in records or ({},):
            self._add_record(AURELIES_RECORD | record)
        self.linking.records.complete_keys()

    def _add_record(self, record: dict) -> None:
        record = record | {
            "family_name_keys": sorted(spellings(record["family_name"])),
            "birth_name_keys": sorted(spellings(record["birth_name"] or "")),
        }
        with self.pool.connection() as connection:
            connection.execute(
                f"INSERT INTO records ({', '.join(record)}) VALUES ({', '.join(['%s'] * len(record))})",
                list(record.values()),
            )

    # --- what is there now

    def rows(self, statement: str, *values: object) -> list[tuple]:
        with self.pool.connection() as connection:
            return connection.execute(statement, values).fetchall()

    def topics(self, stream: UUID) -> list[str]:
        """The topics of a stream's events, in their order."""
        return [
            topic
            for (topic,) in self.rows(
                "SELECT topic FROM events WHERE originator_id = %s ORDER BY originator_version", stream
            )
        ]

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        with self.pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            yield cursor

    def waiting_for_locks(self) -> int:
        """How many statements on this database wait for somebody."""
        return len(
            self.rows(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )

    def destroy_key(self, person: UUID) -> None:
        with self.pool.connection() as connection:
            connection.execute("DELETE FROM data_keys WHERE person = %s", (person,))


AURELIES_RECORD = {
    "record_number": "R-000001",
    "ahv_number": AURELIE.ahv_number,
    "family_name": "Chappuis-Favre",
    "given_name": "Aurélie",
    "birth_name": "Chappuis",
    "birth_date": AURELIE.birth_date,
    "email": AURELIE_ADDRESS,
}
