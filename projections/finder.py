"""Who is found by the beginning of a name, an e-mail address or a record number: one row an account.

Every key has a column and an index of its own, so that a page costs the same wherever it begins: each is an ordered
range, and an account is shown where it is found first.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool

from domain.account import Account
from domain.profile import Profile
from domain.search_keys import NAMES, name_keys, number_keys, search_form
from projections.directory import narrowing
from projections.read_model import Fact, Forgotten, ReadModel, Row

NAME_COLUMNS: Final = tuple(f"name_{number}" for number in range(1, NAMES + 1))
NUMBER_COLUMNS: Final = ("number_1", "number_2")
COLUMNS: Final = (*NAME_COLUMNS, "email", *NUMBER_COLUMNS)  # in the order in which they are looked through
LAST: Final = "\U0010ffff"  # after whatever continues a key

finder = ReadModel(
    "finder",
    version=2,
    columns={"account_id": "uuid"} | dict.fromkeys(COLUMNS, 'text COLLATE "C"'),
    key=("account_id",),
    indices=[f"({column}, account_id) WHERE {column} IS NOT NULL" for column in COLUMNS],
    person="account_id",
)


@finder.folds(Account.AccountRequested, Account.AccountImported)
def _(fact: Fact) -> Row:
    return {
        "account_id": fact.originator_id,
        **_names(fact.given_name, fact.family_name),
        "email": search_form(fact.email or "") or None,
    }


@finder.folds(Account.AccountImportedAgain)
def _(fact: Fact) -> Row | None:
    """Where a profile holds them as well, its own event follows."""
    if not fact.renamed:
        return None
    return {"account_id": fact.originator_id, **_names(fact.given_name, fact.family_name)}


@finder.folds(Account.EmailChanged, Account.EmailChangeTakenBack)
def _(fact: Fact) -> Row:
    return {"account_id": fact.originator_id, "email": search_form(fact.email or "") or None}


@finder.folds(
    Profile.ProfileSubmitted, Profile.ProfileCorrected, Profile.ProfileImported, Profile.ProfileImportedAgain
)
def _(fact: Fact) -> Row:
    return {"account_id": fact.account_id, **_names(fact.given_name, fact.family_name, fact.birth_name)}


@finder.folds(Profile.RecordLinked, Profile.LinkImported)
def _(fact: Fact) -> Row:
    return {"account_id": fact.account_id, **_filled(NUMBER_COLUMNS, number_keys(fact.record_number))}


@finder.folds(Profile.RecordUnlinked)
def _(fact: Fact) -> Row:
    return {"account_id": fact.account_id, **_filled(NUMBER_COLUMNS, [])}


@finder.folds(Account.AccountErased)
def _(fact: Fact) -> Forgotten:
    return Forgotten(fact.originator_id)


def _names(given: str | None, family: str | None, birth: str | None = None) -> Row:
    return _filled(NAME_COLUMNS, name_keys(given, family, birth))


def _filled(columns: tuple[str, ...], keys: list[str]) -> Row:
    """One key a column; nothing in those that are left."""
    return dict(zip(columns, keys + [None] * (len(columns) - len(keys)), strict=True))


class Place(NamedTuple):
    """Where a page ended. column: of COLUMNS, in which the account was found."""

    column: str
    account_id: UUID


class Moved(Exception):
    """The account after which a page was to begin is not found there any more."""


class Finder:
    """Queries."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def page(
        self, beginning: str, wanted: Mapping[str, Any], *, after: Place | None, limit: int
    ) -> list[Place]:
        """Accounts with a key that begins so, in the order of names, then addresses, then numbers; each once.

        beginning: a `domain.search_keys.search_form`, not empty. wanted: the filters of the directory. Raises Moved.
        """
        found: list[Place] = []
        for column in COLUMNS[COLUMNS.index(after.column) if after else 0 :]:
            if column == NUMBER_COLUMNS[1] and len(beginning) == 1:
                continue  # a number begins alike with its joints and without: all were found just before
            here = after if after and after.column == column else None
            rows = self._range(column, beginning, wanted, here, limit - len(found))
            found += [Place(column, account_id) for account_id in rows]
            if len(found) >= limit:
                break
        return found

    def _range(
        self, column: str, beginning: str, wanted: Mapping[str, Any], after: Place | None, limit: int
    ) -> list[UUID]:
        values = {**wanted, "first": beginning, "last": beginning + LAST, "limit": limit}
        with self._pool.connection() as connection:
            if after:
                values |= {"after_id": after.account_id, "after_key": self._key(connection, after, beginning)}
            statement = _statement(column, wanted, after is not None)
            # Planned for these very values: a plan for any would not know how few begin so, or how few are locked.
            return [account_id for (account_id,) in connection.execute(statement, values, prepare=False)]

    @staticmethod
    def _key(connection: Connection, after: Place, beginning: str) -> str:
        row = connection.execute(
            f"SELECT {after.column} FROM finder WHERE account_id = %s", (after.account_id,)
        ).fetchone()
        if not row or not row[0] or not row[0].startswith(beginning):
            raise Moved
        return row[0]


def _statement(column: str, wanted: Mapping[str, Any], continued: bool) -> str:
    """Of one column's range, without what an earlier column has found."""
    earlier = COLUMNS[: COLUMNS.index(column)]
    narrowed = narrowing(wanted)
    return f"""
        SELECT finder.account_id FROM finder
        {"JOIN directory USING (account_id)" if narrowed else ""}
        WHERE finder.{column} >= %(first)s AND finder.{column} < %(last)s
        {"AND (finder." + column + ", finder.account_id) > (%(after_key)s, %(after_id)s)" if continued else ""}
        {"".join(f" AND ({_within(other)}) IS NOT TRUE" for other in earlier)}{narrowed}
        ORDER BY finder.{column}, finder.account_id LIMIT %(limit)s
    """


def _within(column: str) -> str:
    return f"finder.{column} >= %(first)s AND finder.{column} < %(last)s"
