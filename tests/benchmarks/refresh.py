"""What a reading of a large register costs, from a view in another database: nothing has changed, then 1 %.

REFRESH_RECORDS=50000 make bench ARGS=refresh    a small run, in half a minute
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from urllib.parse import quote, urlencode

import psycopg
from figures import Figure, at_most
from psycopg.conninfo import conninfo_to_dict
from records_generator import COLUMNS, generate
from servers import migrated_database
from services import new_database

from infrastructure.database import open_pool
from infrastructure.records_address import source_at
from infrastructure.records_mirror import Mirror
from infrastructure.records_refresh import digest

RECORDS = int(os.environ.get("REFRESH_RECORDS", "1000000"))
DIFFERENT = 20_000  # people; more are these again, under other numbers
WANTED = 180.0  # s


def measure(server: str) -> list[Figure]:
    with new_database(server) as other, migrated_database(server) as database:
        _fill_the_other(other)
        _fill_the_mirror(database)
        with open_pool(database, size=4, name="benchmark") as pool:
            mirror = Mirror(pool, database)
            url = f"postgresql:///?{urlencode(conninfo_to_dict(other), quote_via=quote)}&view=register"
            unchanged = _refresh(mirror, url)
            with psycopg.connect(other) as connection:
                connection.execute("UPDATE people SET given_name = 'Ada' WHERE record_number LIKE '%03'")
                connection.execute("DELETE FROM people WHERE record_number LIKE '%107'")
            changed = _refresh(mirror, url)
    return [
        Figure(f"{RECORDS:,} records read again, none changed", unchanged, "s", at_most(WANTED)),
        Figure(f"{RECORDS:,} records read again, 1 % changed, 0.1 % gone", changed, "s", at_most(WANTED)),
    ]


def _refresh(mirror: Mirror, url: str) -> float:
    started = time.perf_counter()
    mirror.refresh(source_at(url), now=datetime.now(UTC), today=date(2025, 9, 1))
    return time.perf_counter() - started


def _people() -> Iterator[dict[str, str | None]]:
    base = list(generate(min(RECORDS, DIFFERENT)))
    for number in range(RECORDS):
        known = {name: value or None for name, value in base[number % len(base)].items()}
        yield known | {"record_number": f"R-{number:08}"}


def _fill_the_other(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(f"CREATE TABLE people ({', '.join(f'{name} text' for name in COLUMNS)})")
        connection.execute("CREATE VIEW register AS SELECT * FROM people")
        with connection.cursor().copy("COPY people FROM STDIN") as copy:
            for person in _people():
                copy.write_row([person[name] for name in COLUMNS])


def _fill_the_mirror(database: str) -> None:
    """As after a first reading, which costs as much as an import; without keys, which no reading looks at."""
    columns = [*COLUMNS, "match_keys", "source_digest"]
    with psycopg.connect(database) as connection:
        with connection.cursor().copy(f"COPY records ({', '.join(columns)}) FROM STDIN") as copy:
            for person in _people():
                copy.write_row([*(person[name] for name in COLUMNS), "{}", digest(person)])
        connection.execute("TRUNCATE changed_records")
        connection.execute("ANALYZE records")
