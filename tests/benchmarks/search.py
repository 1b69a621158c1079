"""What it takes to find somebody among a million accounts: by any beginning, and however far one reads on."""

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import crowd
import psycopg
from figures import Figure, at_most, percentile
from psycopg import Connection
from records_generator import PEOPLES
from servers import migrated_database
from write_side import KEYRING

from domain.search_keys import name_keys, number_keys, search_form
from infrastructure.database import open_pool
from infrastructure.lookup import DigestLookup
from infrastructure.search import Search
from projections.directory import Directory, directory
from projections.finder import COLUMNS, NAME_COLUMNS, Finder, Place, finder

ACCOUNTS = int(os.environ.get("SEARCH_ACCOUNTS", "1000000"))
PAGE = 50
SEARCHES = 2000
LETTERS = 8  # of the longest beginning
FAR = 10_000  # a page
WRITTEN = (
    "account_id",
    "email",
    "given_name",
    "family_name",
    "locale",
    "activated",
    "locked",
    "canton",
    "record_number",
    "created_at",
)
FAMILY_NAMES = [name.replace("_", " ") for _, families, *_ in PEOPLES for name in families.split()]
GIVEN_NAMES = [name for _, _, *given in PEOPLES for names in given for name in names.split()]


def measure(server: str) -> list[Figure]:
    with migrated_database(server) as database:
        with psycopg.connect(database, autocommit=True, options="-c TimeZone=UTC") as connection:
            _plant(connection)
            place = _far(connection)
        with open_pool(database, size=2, name="search") as pool:
            search = Search(DigestLookup(pool, KEYRING), Finder(pool), Directory(pool))
            found = [
                _timed(lambda typed=typed: search.page(typed, {}, after=None, limit=PAGE))
                for typed in _beginnings()
            ]
            first, far = _in_turns(
                lambda: search.page("R-", {}, after=None, limit=PAGE),
                lambda: search.page("R-", {}, after=place, limit=PAGE),
            )
            narrowed = [
                _timed(lambda typed=typed: search.page(typed, {"state": "locked"}, after=None, limit=PAGE))
                for typed in _beginnings(SEARCHES // 10)
            ]
    return [
        Figure(
            f"find among {ACCOUNTS:,}, 1 to {LETTERS} letters, p95",
            percentile(found, 0.95),
            "ms",
            at_most(50),
        ),
        Figure("  p50", percentile(found, 0.5), "ms"),
        Figure("  the longest", max(found), "ms"),
        Figure("  only locked accounts, p95", percentile(narrowed, 0.95), "ms"),
        Figure(
            f"page {FAR:,} of a search, p50",
            percentile(far, 0.5),
            "ms",
            at_most(1.5, of="page 1"),
            {"page 1": percentile(first, 0.5)},
        ),
    ]


def _plant(connection: Connection) -> None:
    """Rows as the projector would write them, with indices made when they are there."""
    with connection.cursor() as cursor:
        for model in (directory, finder):
            cursor.execute(f"DROP TABLE IF EXISTS {model.name}")
            model.create(cursor, model.name)
        for model in (directory, finder):
            for (name,) in cursor.execute(
                "SELECT indexname FROM pg_indexes WHERE tablename = %s AND indexname NOT LIKE '%%pkey'",
                (model.name,),
            ).fetchall():
                cursor.execute(f"DROP INDEX {name}")
        people = list(_people())
        with cursor.copy(f"COPY directory ({', '.join(WRITTEN)}) FROM STDIN") as copy:
            for number, (given, family, email) in enumerate(people):
                copy.write_row(
                    (
                        crowd.account_id(number),
                        email,
                        given,
                        family,
                        ("fr", "de", "en")[number % 3],
                        True,
                        number % 1000 == 0,
                        ("BE", "JU", "NE")[number % 3],
                        f"R-{number:07}",
                        crowd.BEGIN + timedelta(minutes=number),
                    )
                )
        with cursor.copy(f"COPY finder (account_id, {', '.join(COLUMNS)}) FROM STDIN") as copy:
            for number, (given, family, email) in enumerate(people):
                names = name_keys(given, family)
                names += [None] * (len(NAME_COLUMNS) - len(names))
                keys = number_keys(f"R-{number:07}")
                copy.write_row((crowd.account_id(number), *names, search_form(email), *keys))
        for model in (directory, finder):
            for index in model.indices:
                cursor.execute(f"CREATE INDEX ON {model.name} {index}")
            cursor.execute(f"VACUUM ANALYZE {model.name}")


def _people() -> Iterator[tuple[str, str, str]]:
    """Names as a register has them, every fourth family name a double one."""
    chance = random.Random(7)
    for number in range(ACCOUNTS):
        given, family = chance.choice(GIVEN_NAMES), chance.choice(FAMILY_NAMES)
        if number % 4 == 0:
            family = f"{family}-{chance.choice(FAMILY_NAMES)}"
        local = search_form(f"{given}.{family}").replace(" ", "")
        yield given, family, f"{local}.{number}@example.org"


def _beginnings(count: int = SEARCHES) -> Iterator[str]:
    """Of names, addresses and numbers, as somebody types them letter by letter."""
    chance = random.Random(11)
    for _ in range(count):
        given, family = chance.choice(GIVEN_NAMES), chance.choice(FAMILY_NAMES)
        typed = chance.choice(
            (family, given, f"{family} {given}", f"{given}.{family}", f"R-{chance.randrange(ACCOUNTS):07}")
        )
        yield typed[: chance.randint(1, LETTERS)]


def _far(connection: Connection) -> Place:
    """After what page FAR begins, of all that bear a number; the last page where there are fewer."""
    before = min((FAR - 1) * PAGE, ACCOUNTS - PAGE) - 1
    (account_id,) = connection.execute(
        "SELECT account_id FROM finder WHERE number_1 IS NOT NULL ORDER BY number_1, account_id OFFSET %s LIMIT 1",
        (before,),
    ).fetchone()
    return Place("number_1", UUID(str(account_id)))


def _in_turns(*contenders: Callable[[], object]) -> list[list[float]]:
    return [
        list(times)
        for times in zip(*([_timed(each) for each in contenders] for _ in range(200)), strict=True)
    ]


def _timed(ask: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - began)
