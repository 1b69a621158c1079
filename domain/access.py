"""Who looked at whose data, and who signed in or tried to.

Each fact is a stream of its own, so that parallel reads never conflict.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Final, Self
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain import policies
from domain.fact import NOWHERE, Fact, Whence
from domain.values import ANYBODY, OPERATOR, SYSTEM

PLAIN: Final = re.compile(
    r"[A-Za-z0-9_.:+-]{1,64}", re.ASCII
)  # codes, ids, days and instants; no name, no address

Filter = str | int | bool | UUID | date | None


class Access(Aggregate):
    """One access. What was typed to find somebody is never part of it."""

    TOPIC = "access"

    class Event(Fact):
        @property
        def account_id(self) -> UUID | None:
            """Whose key seals it: who had access. None for whoever has no account: then nothing personal is in it."""
            return None if self.actor in (ANYBODY, OPERATOR, SYSTEM) else self.actor

        def apply(self, aggregate: "Access") -> None:
            pass

    class DataRead(Event, Whence, Aggregate.Created):
        """Somebody with a role was shown personal data. It was noted before the answer left."""

        TOPIC = "access.read"
        role: str  # by which it was allowed: secretariat, auditor, data-protection or operator
        what: str  # a code: account, accounts, case …
        accounts: list[UUID]  # whose data were shown; of very many the first
        purpose: str | None  # a code: for which AHV numbers were shown whole
        shown: int  # how many entries
        filters: dict[str, str | int | bool]  # by which a list was narrowed

    Created = DataRead  # the library wants to know one; here each is the first

    class SignedIn(Event, Whence, Aggregate.Created):
        """Somebody signed in."""

        TOPIC = "access.signed-in"
        session_kind: str  # cookie or bearer
        passkey: bool  # in the place of a password
        second_factor: bool  # whether one was given

    class SignInFailed(Event, Whence, Aggregate.Created):
        """Attempts to sign in failed. Those of a few moments with one address, from one place, are told at once."""

        TOPIC = "access.sign-in-failed"
        account: UUID | None  # whose address was typed
        attempts: int  # how many
        since: datetime  # when the first of them was made

        @property
        def account_id(self) -> UUID | None:
            return self.account

    @classmethod
    def read(
        cls,
        access_id: UUID,
        what: str,
        *,
        reader: UUID,
        role: str,
        accounts: Iterable[UUID] = (),
        purpose: str | None = None,
        count: int | None = None,
        filters: Mapping[str, Filter] | None = None,
        whence: Whence = NOWHERE,
        now: datetime,
    ) -> Self:
        """count: None for as many as there are accounts. Raises ValueError for what is no code and no plain filter."""
        if what not in policies.READS or role not in policies.ROLES:
            raise ValueError("not a kind of read, or not a role")
        whose = list(dict.fromkeys(accounts))
        return cls._create(
            cls.DataRead,
            id=access_id,
            role=role,
            what=what,
            accounts=whose[: policies.ACCOUNTS_NAMED],
            purpose=purpose,
            shown=len(whose) if count is None else count,
            filters=dict(_plain_filters(filters or {})),
            actor=reader,
            timestamp=now,
            **vars(NOWHERE if reader == OPERATOR else whence),
        )

    @classmethod
    def sign_in(
        cls,
        access_id: UUID,
        *,
        account: UUID,
        session_kind: str,
        passkey: bool,
        second_factor: bool,
        whence: Whence = NOWHERE,
        now: datetime,
    ) -> Self:
        return cls._create(
            cls.SignedIn,
            id=access_id,
            session_kind=session_kind,
            passkey=passkey,
            second_factor=second_factor,
            actor=account,
            timestamp=now,
            **vars(whence),
        )

    @classmethod
    def failed_sign_in(
        cls,
        access_id: UUID,
        *,
        account: UUID | None,
        attempts: int,
        since: datetime,
        whence: Whence = NOWHERE,
        now: datetime,
    ) -> Self:
        """whence: kept where it can be sealed, for an account only. since, now: of the first and the last attempt."""
        return cls._create(
            cls.SignInFailed,
            id=access_id,
            account=account,
            attempts=attempts,
            since=since,
            actor=ANYBODY,
            timestamp=now,
            **vars(whence if account else NOWHERE),
        )


def _plain_filters(filters: Mapping[str, Filter]) -> Iterable[tuple[str, str | int | bool]]:
    """Raises ValueError for what somebody may have typed freely."""
    for name, value in filters.items():
        if value is None:
            continue
        if name not in policies.READ_FILTERS:
            raise ValueError(f"{name} is no filter that is noted")
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        elif not isinstance(value, int):  # bool is one
            value = str(value)
        if isinstance(value, str) and not PLAIN.fullmatch(value):
            raise ValueError(f"the filter {name} is no code, id or instant")
        yield name, value
