"""A person's whole path, then her erasure: nothing of her is left in any table, file or log, in plain or as a key."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from erasing import erased_by_two, signed_in_with_code
from people import ZEBULONIA
from pyotp import TOTP
from running_service import RunningService, a_service, password_in
from spec import until

from domain.values import address_key
from infrastructure.keys import read_keyring

EMAIL, NEW_EMAIL, MISTYPED = (
    "zebulonia.quux@geheim.example",
    "z.quux@neu.example",
    "xaver.quux@geheim.example",
)
NEIGHBOUR = "neighbour@stays.example"
PASSWORD = "sept ponts au bord du Doubs"
DEVICE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
PLAIN = [
    EMAIL,
    NEW_EMAIL,
    MISTYPED,
    PASSWORD,
    "7569217076985",
    "+41795550177",
    *(
        value
        for name, value in ZEBULONIA.items()
        if name in ("ahv_number", "phone", "postal_code", "birth_date")
    ),
    *(value for name, value in ZEBULONIA.items() if name.endswith("_name") or name in ("street", "city")),
]
# The institution's own register, and messages that were sent.
STAYS = {"table records"}
RECORD = f"""record_number;ahv_number;family_name;given_name;birth_name;birth_date;sex;email
Z-1;756.9217.0769.85;Quuxmüller;Zebulonia;Xanthopoulos;1971-02-03;female;{EMAIL}
"""


@pytest.fixture
def service() -> Iterator[RunningService]:
    with a_service(ERASURE_MAIL_HOURS="0.001", MAILS_AN_HOUR="50") as service:
        service.run()
        yield service


class Person:
    """What she does, and what she was given."""

    def __init__(self, service: RunningService) -> None:
        self.service = service
        self.secrets: list[str] = []
        self.bearer: dict[str, str] = {}

    def ask(self, method: str, path: str, body: object = None, *, expected: int, **headers: str):
        answer = self.service.ask(
            method, f"/api/v1{path}", body, User_Agent=DEVICE, **{**self.bearer, **headers}
        )
        assert answer.status == expected, (path, answer)
        return answer

    def path(self) -> str:
        """Her whole path; the account's id."""
        self.service.sign_up(EMAIL, given_name="Zebulonia", family_name="Quuxmüller")
        initial = password_in(self.service.wait_for_mail(EMAIL))
        self.ask("POST", "/tokens", {"email": EMAIL, "password": "falsch geraten 4711"}, expected=401)
        cookie = self.ask("POST", "/session", {"email": EMAIL, "password": initial}, expected=201)
        self.secrets += [
            value.split(";")[0].partition("=")[2] for name, value in cookie.headers if name == "Set-Cookie"
        ]
        self.signs_in({"email": EMAIL, "password": initial})
        self.ask("PUT", "/me/profile", ZEBULONIA, expected=200)
        until(lambda: self.ask("GET", "/me", expected=200).json["link_state"] == "linked")
        self.ask("PUT", "/me/password", {"current_password": initial, "new_password": PASSWORD}, expected=204)
        self.signs_in({"email": EMAIL, "password": PASSWORD})
        begun = self.ask("POST", "/me/second-factors/totp", {"password": PASSWORD}, expected=201).json
        code = {"code": TOTP(begun["secret"]).now(), "label": "Zebulonias Telefon"}
        codes = self.ask("POST", f"/me/second-factors/{begun['id']}/confirm", code, expected=200).json
        self.secrets += [begun["secret"], *codes["recovery_codes"], "Zebulonias Telefon"]
        self.ask("POST", "/me/second-factors/passkeys", {"password": PASSWORD}, expected=201)
        for new in (MISTYPED, NEW_EMAIL):
            wanted = {"new_email": new, "password": PASSWORD}
            self.ask("POST", "/me/email-changes", wanted, expected=202, Idempotency_Key=f"change to {new}")
        until(lambda: bool(self.service.mails(NEW_EMAIL)))
        token = re.search(
            r"token=(\S+)", self.service.mails(NEW_EMAIL)[0].get_body(("plain",)).get_content()
        )[1]
        self.ask("POST", "/email-changes/confirm", {"token": token}, expected=200)
        self.ask("POST", "/password-resets", {"email": NEW_EMAIL}, expected=202)
        until(
            lambda: any(
                mail["X-Matricule-Kind"] == "password-reset" for mail in self.service.mails(NEW_EMAIL)
            )
        )
        self.signs_in({"email": NEW_EMAIL, "password": PASSWORD, "code": codes["recovery_codes"][0]})
        self.ask("POST", "/me/export", {"password": PASSWORD}, expected=200)
        return self.ask("GET", "/me", expected=200).json["id"]

    def signs_in(self, pair: dict[str, str]) -> None:
        token = self.ask("POST", "/tokens", pair, expected=201).json["token"]
        self.secrets.append(token)
        self.bearer = {"Authorization": f"Bearer {token}"}


def keys_of(service: RunningService, account_id: str) -> list[bytes]:
    """Her data key, and every keyed digest that the write side held of her."""
    keyring = read_keyring(service.home / "master.key")
    ((person, generation, wrapped),) = service.rows("SELECT * FROM data_keys WHERE person = %s", account_id)
    digests = service.rows("SELECT digest FROM lookup WHERE account_id = %s", account_id)
    codes = service.rows("SELECT digest FROM recovery_codes WHERE account_id = %s", account_id)
    throttled = [keyring.current.digest("throttle address", address_key(each)) for each in (EMAIL, NEW_EMAIL)]
    found = [wrapped, keyring.unwrap(generation, person.bytes, wrapped), *throttled]
    return found + [bytes(digest) for (digest,) in digests + codes]


def forms(secret: str | bytes) -> set[bytes]:
    """As it may stand somewhere."""
    if isinstance(secret, bytes):
        return {secret, secret.hex().encode(), b64encode(secret)}
    return {secret.encode(), json.dumps(secret)[1:-1].encode(), quote(secret).encode()}


def dump(service: RunningService) -> dict[str, bytes]:
    """Every table, and every file of the home, PostgreSQL's own among them, and what the processes said."""
    rows = service.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    tables = {f"table {table}": _rows(service, table) for (table,) in rows}
    kept = {
        str(file.relative_to(service.home)): file.read_bytes()
        for file in service.home.rglob("*")
        if file.is_file() and not file.name.endswith(".eml")
    }
    return {**tables, **kept, "log": service.log.read_bytes()}


def _rows(service: RunningService, table: str) -> bytes:
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode()
        for row in service.rows(f'SELECT * FROM "{table}"')
        for value in row
    )


def found_in(places: dict[str, bytes], secrets: list[str | bytes]) -> set[tuple[str, str]]:
    return {
        (where, str(secret))
        for where, all_of_it in places.items()
        for secret in secrets
        if any(form in all_of_it for form in forms(secret))
    }


def forget_on_disk(service: RunningService) -> None:
    """What PostgreSQL does in its own time: old versions of rows go, and so do old pages in its log."""
    with psycopg.connect(
        service.embedded.administrator, dbname="matricule", autocommit=True
    ) as administrator:
        administrator.execute("ALTER SYSTEM SET wal_recycle = off")
        administrator.execute("SELECT pg_reload_conf()")
        administrator.execute("VACUUM FULL")
        for _ in range(3):
            administrator.execute("SELECT pg_switch_wal()")
            administrator.execute("CHECKPOINT")


def test_of_an_erased_person_nothing_is_left_that_anybody_could_read(service):
    assert service.command("import", "records", str(written(service, RECORD))).returncode == 0
    person = Person(service)
    account_id = person.path()
    service.sign_up(NEIGHBOUR)
    service.wait_for_mail(NEIGHBOUR)
    keys, secrets = keys_of(service, account_id), [*PLAIN, *person.secrets]
    before = dump(service)
    told = {secret for _, secret in found_in(before, [EMAIL, NEW_EMAIL, *keys])}
    assert told >= {EMAIL, NEW_EMAIL, *map(str, (keys[0], keys[-1]))}  # the looking finds what is there
    log = service.rows("SELECT * FROM events ORDER BY position")

    erased_by_two(service, account_id)
    until(
        lambda: service.rows("SELECT state FROM directory WHERE account_id = %s", account_id) == [("erased",)]
    )

    assert service.rows("SELECT * FROM events ORDER BY position")[: len(log)] == log
    forget_on_disk(service)
    after = {where: all_of_it for where, all_of_it in dump(service).items() if where not in STAYS}
    records = set(record_files(service))
    after = {where: all_of_it for where, all_of_it in after.items() if where not in records}
    assert found_in(after, [*secrets, *keys]) == set()
    assert service.rows("SELECT family_name FROM records WHERE record_number = 'Z-1'") == [("Quuxmüller",)]

    protector = signed_in_with_code(service, "third@protection.example")
    sheet = service.ask("GET", f"/api/v1/accounts/{account_id}", **protector).json
    assert (sheet["state"], sheet["email"], sheet["profile"], sheet["link"]) == ("erased", None, None, None)
    history = service.command("history", account_id, "--json", "--language", "en")
    items = json.loads(history.stdout)["items"]
    assert items[-1]["type"] == "account.erased"
    assert len(items) > 15
    assert not any(secret in history.stdout for secret in PLAIN)
    rebuilt = service.command("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert service.command("audit", "reconcile").returncode == 0
    assert service.rows("SELECT count(*) FROM parked_streams") == [(0,)]


def written(service: RunningService, text: str) -> Path:
    file = service.home.parent / "records.csv"
    file.write_text(text)
    return file


def record_files(service: RunningService) -> list[str]:
    """Where PostgreSQL keeps the register of records."""
    relations = service.rows(
        "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relname = 'records'"
        " OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'records'::regclass)"
    )
    return [f"postgresql/data/{path}" for (path,) in relations]
