"""A new generation of the master key, and the end of an old one. The service is down, for it reads its key once.

The key file with the new line is written beside the old one first, then the database is turned over in one transaction,
then the file takes the other's place. What stops it in between is finished by the next `keys rotate`, and no service
starts before that. Once an old generation is out of the file and out of its copies, nobody can read the data keys of
the backups of its time: that is how erased people leave backups, too.
"""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection

from domain.values import address_key
from infrastructure import failed_sign_ins, intake
from infrastructure.database import others_at_work
from infrastructure.event_mapper import opener
from infrastructure.keys import KEY_BYTES, Keyring, MasterKey, read_keyring
from projections.projector import ENDLESS, read_batch
from projections.read_model import Fact

BATCH: Final = 1000
MOST: Final = 255  # generations, for one byte holds their number

Progress = Callable[[int, int], None]  # events read, events in all


class Sealed(NamedTuple):
    """A column that is sealed for the service itself. context: None for the row's own id."""

    table: str
    column: str
    purpose: str
    context: bytes | None


SEALED: Final = (
    Sealed("totp_factors", "secret", "totp", None),
    Sealed("intake", "sealed", "intake", intake.CONTEXT),
    Sealed("import_pieces", "sealed", "import", None),
    Sealed("failed_sign_ins", "sealed", "failed-sign-in", failed_sign_ins.CONTEXT),
)
# What a fact says that somebody may be found by: kind of lookup → fields. An address is found in one spelling.
FOUND_BY: Final = {
    "email": ("email", "previous"),
    "ahv": ("ahv_number",),
    "record": ("record_number",),
    "recovery": ("recovery_id",),
}
REFOUND = """
    INSERT INTO lookup (kind, generation, digest, account_id, reserved_until)
    SELECT DISTINCT l.kind, %(new)s::smallint, v.new, l.account_id, l.reserved_until
    FROM unnest(%(kinds)s::text[], %(olds)s::bytea[], %(news)s::bytea[], %(accounts)s::uuid[])
        AS v (kind, old, new, account)
    JOIN lookup AS l ON l.kind = v.kind AND l.generation = %(old)s AND l.digest = v.old AND l.account_id = v.account
    WHERE NOT EXISTS (SELECT FROM lookup AS known WHERE known.kind = v.kind AND known.generation = %(new)s
                      AND known.digest = v.new AND known.account_id = v.account)
"""
NOT_FOUND = """
    SELECT kind, count(DISTINCT (digest, account_id)) FILTER (WHERE generation = %(old)s)
               - count(DISTINCT (digest, account_id)) FILTER (WHERE generation = %(new)s) AS lost
    FROM lookup GROUP BY kind HAVING count(DISTINCT (digest, account_id)) FILTER (WHERE generation = %(old)s)
        <> count(DISTINCT (digest, account_id)) FILTER (WHERE generation = %(new)s)
"""
STILL_UNDER = {
    "data keys": "SELECT count(*) FROM data_keys WHERE generation = %(generation)s",
    **{
        f"rows of {table}": f"SELECT count(*) FROM {table} WHERE get_byte({column}, 0) = %(generation)s"
        for table, column, *_ in SEALED
    },
}
# What only its owner can bring along: a password when she signs in, a recovery code never.
LET_DIE = {
    "passwords": "credentials WHERE pepper = %(generation)s",
    "recovery codes": "recovery_codes WHERE generation = %(generation)s",
}
TOOK_OVER = "INSERT INTO key_generations (generation, since) VALUES (%s, now()) ON CONFLICT DO NOTHING"
# How many days ago the one after it took over.
DAYS_PAST = "SELECT extract(days FROM now() - since)::int FROM key_generations WHERE generation = %s"


class RotationFault(Exception):
    """A rotation cannot be made; the text says why and what to do."""


@dataclass(frozen=True)
class Rotated:
    """generation: the new one. What was turned over, in rows."""

    generation: int
    data_keys: int
    lookups: int


def pending(key_file: Path) -> Path:
    """Where the new key file stands until the database is turned over."""
    return key_file.with_name(f"{key_file.name}.next")


def rotate(connection: Connection, key_file: Path, progress: Progress = lambda done, total: None) -> Rotated:
    """Add a generation, or finish what an interrupted rotation began. connection: in autocommit, UTC.

    Raises RotationFault, KeyFault.
    """
    _must_be_alone(connection)
    fresh = pending(key_file)
    if not fresh.exists():
        _write(fresh, [*_lines(key_file), _new_line(read_keyring(key_file))])
    keyring = read_keyring(fresh)
    with connection.transaction():
        turned = Rotated(
            keyring.current.generation,
            _rewrap(connection, keyring),
            _find_again(connection, keyring, progress),
        )
        for kept in SEALED:
            _reseal(connection, keyring, kept)
        # Found by keyed digests of the generation before: nobody would find them again.
        connection.execute("DELETE FROM idempotency")
        connection.execute("DELETE FROM buckets")
        connection.execute(TOOK_OVER, (keyring.current.generation,))
    fresh.replace(key_file)
    _sync(key_file.parent)
    return turned


def retire(connection: Connection, key_file: Path, generation: int, *, let_die: bool) -> dict[str, int]:
    """Take an old generation out of the key file. Gives what died with it. connection: in autocommit.

    let_die: passwords and recovery codes that nobody has used since. Raises RotationFault, KeyFault.
    """
    _must_be_alone(connection)
    if pending(key_file).exists():
        raise RotationFault("A rotation was not finished: run matricule keys rotate first.")
    keyring = read_keyring(key_file)
    known = sorted(key.generation for key in keyring)
    if generation not in known:
        raise RotationFault(
            f"The key file has no generation {generation}, only {', '.join(map(str, known))}."
        )
    if generation == keyring.current.generation:
        raise RotationFault("This is the newest generation: run matricule keys rotate first.")
    which = {"generation": generation}
    with connection.transaction():
        for what, count in STILL_UNDER.items():
            if some := connection.execute(count, which).fetchone()[0]:
                raise RotationFault(
                    f"{some} {what} are still under generation {generation}: run matricule keys rotate first."
                )
        dying = {
            what: connection.execute(f"SELECT count(*) FROM {rows}", which).fetchone()[0]
            for what, rows in LET_DIE.items()
        }
        if any(dying.values()) and not let_die:
            counts = ", ".join(f"{count} {what}" for what, count in dying.items() if count)
            raise RotationFault(
                f"{counts} were made under generation {generation} and not used since. Wait, or say --let-die: then "
                "their owners choose a new password, or issue new codes."
            )
        for rows in LET_DIE.values():
            connection.execute(f"DELETE FROM {rows}", which)
        connection.execute("DELETE FROM lookup WHERE generation = %(generation)s", which)
    left = [line for line in _lines(key_file) if int(line.split()[0]) != generation]
    _write(key_file, left)
    return dying


def outlived(connection: Connection, keyring: Keyring) -> dict[int, int]:
    """The old generations that still open backups of their time, and for how many days they have been old."""
    known = sorted(key.generation for key in keyring)
    days = (connection.execute(DAYS_PAST, (next_one,)).fetchone() for next_one in known[1:])
    return {old: row[0] for old, row in zip(known, days, strict=False) if row}


def _must_be_alone(connection: Connection) -> None:
    if others := others_at_work(connection):
        raise RotationFault(f"The database is in use ({', '.join(others)}): stop the service first.")


def _rewrap(connection: Connection, keyring: Keyring) -> int:
    new = keyring.current
    done = 0
    while rows := connection.execute(
        "SELECT person, generation, wrapped FROM data_keys WHERE generation <> %s LIMIT %s",
        (new.generation, BATCH),
    ).fetchall():
        people = [person for person, _, _ in rows]
        wrapped = [
            new.wrap(person.bytes, keyring.unwrap(generation, person.bytes, old))
            for person, generation, old in rows
        ]
        connection.execute(
            "UPDATE data_keys AS k SET generation = %s, wrapped = v.wrapped"
            " FROM unnest(%s::uuid[], %s::bytea[]) AS v (person, wrapped) WHERE k.person = v.person",
            (new.generation, people, wrapped),
        )
        done += len(rows)
    return done


def _find_again(connection: Connection, keyring: Keyring, progress: Progress) -> int:
    """Every digest anew, under the new generation: what it is of, only the log can tell."""
    new, unseal = keyring.current, opener(keyring)
    old = max((key for key in keyring if key is not new), key=lambda key: key.generation)
    (total,) = connection.execute("SELECT count(*) FROM events").fetchone()
    position = done = found = 0
    while facts := read_batch(connection, position, ENDLESS, unseal):
        values = {value for fact in facts for value in _found_by(fact)}
        found += _insert(connection, old, new, values)
        position, done = facts[-1].position, done + len(facts)
        progress(done, max(done, total))
    lost = connection.execute(NOT_FOUND, {"old": old.generation, "new": new.generation}).fetchall()
    if lost:
        what = ", ".join(f"{count} of kind {kind}" for kind, count in lost)
        raise RotationFault(f"The log does not tell what these lookups are of: {what}. Nothing was changed.")
    return found


def _found_by(fact: Fact) -> set[tuple[str, str, UUID]]:
    if fact.wrapped is None and "sealed" in fact.state:
        return set()
    sealed = fact.state.get("sealed", {})
    values = set()
    for kind, fields in FOUND_BY.items():
        for field in fields:
            value: Any = getattr(fact, field) if field in fact.state or field in sealed else None
            if value is not None:
                values.add((kind, address_key(value) if kind == "email" else value, fact.account_id))
    return values


def _insert(
    connection: Connection, old: MasterKey, new: MasterKey, values: set[tuple[str, str, UUID]]
) -> int:
    ordered = list(values)
    columns = {
        "kinds": [kind for kind, _, _ in ordered],
        "olds": [old.digest(kind, value) for kind, value, _ in ordered],
        "news": [new.digest(kind, value) for kind, value, _ in ordered],
        "accounts": [account for _, _, account in ordered],
    }
    return connection.execute(REFOUND, {**columns, "old": old.generation, "new": new.generation}).rowcount


def _reseal(connection: Connection, keyring: Keyring, kept: Sealed) -> None:
    table, column, purpose, context = kept
    box = keyring.box(purpose)
    rows = connection.execute(
        f"SELECT id, {column} FROM {table} WHERE get_byte({column}, 0) <> %s", (keyring.current.generation,)
    ).fetchall()
    for number, sealed in rows:
        bound = number.bytes if context is None else context
        try:
            fresh = box.seal(box.open(sealed, bound), bound)
        except ValueError:  # it could not be opened before, either
            continue
        connection.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", (fresh, number))


def _new_line(keyring: Keyring) -> str:
    number = keyring.current.generation + 1
    if number > MOST:
        raise RotationFault(f"There are no more than {MOST} generations.")
    return f"{number} {base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text("ascii").split("\n") if line]


def _write(path: Path, lines: list[str]) -> None:
    """Whole, on disk, readable for its owner only."""
    half = path.with_name(f".{path.name}")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def connect(conninfo: str) -> Connection:
    return psycopg.connect(
        conninfo, autocommit=True, application_name="matricule keys", options="-c TimeZone=UTC"
    )
