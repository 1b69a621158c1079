"""Who has an account, and how it stands: one row an account."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from domain.account import Account
from domain.profile import Profile
from projections.read_model import Fact, ReadModel, Row

directory = ReadModel(
    "directory",
    version=6,
    columns={
        "account_id": "uuid",
        "email": "text",
        "given_name": "text",
        "family_name": "text",
        "locale": "text",
        "activated": "boolean DEFAULT false",
        "locked": "boolean DEFAULT false",
        "closed": "boolean DEFAULT false",
        "merged": "boolean DEFAULT false",
        "erased": "boolean DEFAULT false",
        "canton": "text",
        "profile_state": "text DEFAULT 'missing'",
        "link_due": "date",
        "rejected": "boolean DEFAULT false",
        "record_number": "text",
        "linked_at": "timestamptz",
        "linked_by": "uuid",
        "created_at": "timestamptz",
        "state": """text GENERATED ALWAYS AS (
            CASE WHEN erased THEN 'erased' WHEN closed OR merged THEN 'closed' WHEN locked THEN 'locked'
                 WHEN activated THEN 'active' ELSE 'requested' END) STORED""",
        "link_state": """text GENERATED ALWAYS AS (
            CASE WHEN erased THEN 'none'
                 WHEN record_number IS NOT NULL THEN 'linked'
                 WHEN rejected THEN 'rejected'
                 WHEN profile_state = 'submitted' OR link_due IS NOT NULL THEN 'waiting'
                 ELSE 'none' END) STORED""",
    },
    key=("account_id",),
    # Of standings that few accounts have, so that those are found among very many.
    indices=[
        "(created_at, account_id)",
        "(state, created_at, account_id) WHERE state IN ('locked', 'closed', 'erased')",
        "(link_state, created_at, account_id) WHERE link_state IN ('waiting', 'rejected')",
    ],
)


@directory.folds(Account.AccountRequested, Account.AccountImported)
def _(fact: Fact) -> Row:
    return {
        "account_id": fact.originator_id,
        "email": fact.email,
        "given_name": fact.given_name,
        "family_name": fact.family_name,
        "locale": fact.locale,
        "created_at": fact.timestamp,
    }


@directory.folds(Account.AccountImportedAgain)
def _(fact: Fact) -> Row:
    return {
        "account_id": fact.originator_id,
        "given_name": fact.given_name,
        "family_name": fact.family_name,
        "locale": fact.locale,
    }


@directory.folds(Account.AccountActivated)
def _(fact: Fact) -> Row:
    return {"account_id": fact.originator_id, "activated": True}


@directory.folds(Account.EmailChanged)
def _(fact: Fact) -> Row:
    return {"account_id": fact.originator_id, "email": fact.email}


@directory.folds(Account.EmailChangeTakenBack)
def _(fact: Fact) -> Row:
    return {"account_id": fact.originator_id, "email": fact.email, "locked": True}


@directory.folds(Account.LocaleChanged)
def _(fact: Fact) -> Row:
    return {"account_id": fact.originator_id, "locale": fact.locale}


@directory.folds(Account.AccountLocked, Account.AccountUnlocked)
def _(fact: Fact) -> Row:
    return {"account_id": fact.originator_id, "locked": fact.topic == Account.AccountLocked.TOPIC}


@directory.folds(Account.AccountClosed, Account.AccountReopened)
def _(fact: Fact) -> Row:
    return {"account_id": fact.originator_id, "closed": fact.topic == Account.AccountClosed.TOPIC}


@directory.folds(Account.AccountMerged, Account.AccountSeparated)
def _(fact: Fact) -> Row:
    return {"account_id": fact.originator_id, "merged": fact.topic == Account.AccountMerged.TOPIC}


@directory.folds(Profile.ProfileSubmitted, Profile.ProfileCorrected)
def _(fact: Fact) -> Row:
    return {
        "account_id": fact.account_id,
        "given_name": fact.given_name,
        "family_name": fact.family_name,
        "canton": fact.canton,
        "profile_state": "submitted",
        "link_due": fact.due,
        "rejected": False,
    }


@directory.folds(Profile.ProfileImported, Profile.ProfileImportedAgain)
def _(fact: Fact) -> Row:
    return {
        "account_id": fact.account_id,
        "given_name": fact.given_name,
        "family_name": fact.family_name,
        "canton": fact.canton,
        "profile_state": "submitted" if fact.complete else "missing",
    }


@directory.folds(Profile.RecordLinked, Profile.LinkImported)
def _(fact: Fact) -> Row:
    return {
        "account_id": fact.account_id,
        "rejected": False,
        "record_number": fact.record_number,
        "linked_at": fact.timestamp,
        "linked_by": fact.actor,
    }


@directory.folds(Profile.RecordUnlinked)
def _(fact: Fact) -> Row:
    return {"account_id": fact.account_id, "record_number": None, "linked_at": None, "linked_by": None}


@directory.folds(Profile.CaseOpened)
def _(fact: Fact) -> Row:
    return {"account_id": fact.account_id, "link_due": fact.due, "rejected": False}


@directory.folds(Profile.QuestionAnswered)
def _(fact: Fact) -> Row:
    return {"account_id": fact.account_id, "link_due": fact.due}


@directory.folds(Profile.CaseRejected)
def _(fact: Fact) -> Row:
    return {"account_id": fact.account_id, "rejected": True}


@directory.folds(Account.AccountErased)
def _(fact: Fact) -> Row:
    """Of the row stays that there was an account, since when, and in which language."""
    gone = (
        "email",
        "given_name",
        "family_name",
        "canton",
        "link_due",
        "record_number",
        "linked_at",
        "linked_by",
    )
    return {
        "account_id": fact.originator_id,
        "erased": True,
        "locked": False,
        "closed": False,
        "merged": False,
        "profile_state": "missing",
        "rejected": False,
        **dict.fromkeys(gone),
    }


class Entry(NamedTuple):
    """One account. link_due: the last day on which linking is on time. linked_by: an actor."""

    account_id: UUID
    email: str | None
    given_name: str | None
    family_name: str | None
    locale: str
    state: str
    canton: str | None
    profile_state: str
    link_state: str
    link_due: date | None
    record_number: str | None
    linked_at: datetime | None
    linked_by: UUID | None
    created_at: datetime

    def fits(self, wanted: Mapping[str, Any]) -> bool:
        """Whether the filters leave it; as `narrowing` says to the database."""
        exact = {
            "state": self.state,
            "link": self.link_state,
            "canton": self.canton,
            "locale": self.locale,
        }
        since, until = wanted.get("created_from"), wanted.get("created_to")
        return (
            all(wanted.get(name) in (None, value) for name, value in exact.items())
            and (since is None or self.created_at >= since)
            and (until is None or self.created_at < until)
        )


COLUMNS = ", ".join(Entry._fields)
# What the filters ask for; created_to is not included.
CONDITIONS: Final = {
    "state": "directory.state = %(state)s",
    "link": "directory.link_state = %(link)s",
    "canton": "directory.canton = %(canton)s",
    "locale": "directory.locale = %(locale)s",
    "created_from": "directory.created_at >= %(created_from)s",
    "created_to": "directory.created_at < %(created_to)s",
}


def narrowing(wanted: Mapping[str, Any]) -> str:
    """The conditions of those filters that are given, to be added to a `WHERE`."""
    return "".join(
        f" AND {condition}" for name, condition in CONDITIONS.items() if wanted.get(name) is not None
    )


class Directory:
    """Queries. Authority never comes from here."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def get(self, account_id: UUID) -> Entry | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                f"SELECT {COLUMNS} FROM directory WHERE account_id = %s", (account_id,), prepare=True
            ).fetchone()
        return Entry(*row) if row else None

    def many(self, account_ids: Iterable[UUID]) -> dict[UUID, Entry]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM directory WHERE account_id = ANY(%s)", (list(set(account_ids)),)
            )
            return {row[0]: Entry(*row) for row in rows}

    def without_record(self) -> list[UUID]:
        """Those who have declared who they are, and whose record is not known; closed accounts, too, unless another one
        of the person goes on.
        """
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT account_id FROM directory WHERE link_state IN ('waiting', 'rejected') AND NOT merged"
            )
            return [account_id for (account_id,) in rows]

    def page(
        self,
        *,
        state: str | None = None,
        link: str | None = None,
        canton: str | None = None,
        locale: str | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        after: tuple[datetime, UUID] | None = None,
        limit: int,
    ) -> Sequence[Entry]:
        """Newest first. after: `created_at` and id of the last entry seen. created_to: not included."""
        wanted = {
            "state": state,
            "link": link,
            "canton": canton,
            "locale": locale,
            "created_from": created_from,
            "created_to": created_to,
        }
        after_at, after_id = after or (None, None)
        continued = " AND (created_at, account_id) < (%(after_at)s, %(after_id)s)" if after else ""
        statement = f"""
            SELECT {COLUMNS} FROM directory WHERE created_at IS NOT NULL{narrowing(wanted)}{continued}
            ORDER BY created_at DESC, account_id DESC LIMIT %(limit)s
        """
        values = {**wanted, "after_at": after_at, "after_id": after_id, "limit": limit}
        with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Entry)) as cursor:
            # Planned for these very values, or indices of few rows would help nobody.
            return cursor.execute(statement, values, prepare=False).fetchall()
