"""A person's whole path, then her erasure: nothing of her is left in any table, file or log, in plain or as a key."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import pytest
from erasing import erased_by_two, signed_in_with_code
from page_visitor import hidden_fields
from people import ZEBULONIA
from pyotp import TOTP
from running_service import RunningService, a_service, password_in
from spec import until

from domain.search_keys import name_keys, search_form
from domain.values import address_key
from infrastructure.forgetting import OF_A_PERSON
from infrastructure.keys import read_keyring

EMAIL, NEW_EMAIL, MISTYPED, BROUGHT = (
    "zebulonia.quux@geheim.example",
    "z.quux@neu.example",
    "xaver.quux@geheim.example",
    "brought.quux@geheim.example",  # of another account of hers, from a file
)
NUMBER = "ZQ-70001"  # of her record
SAID = {  # by her and about her
    "draft": "Luftschlossweg 5",
    "note": "Ruft wegen Frau Xylander an.",
    "unlinked": "Verwechselt mit Yolanda.",
    "question": "Wie hiessen Sie 1999?",
    "answer": "Quetzalcoatl, in Seldwyla.",
    "linked": "Am Schalter gesehen, Ausweis Qx.",
    "merged": "Beide Konten, sagt sie am Telefon.",
}
NEIGHBOUR = "neighbour@stays.example"
PASSWORD = "sept ponts au bord du Doubs"
DEVICE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
PLAIN = [
    EMAIL,
    NEW_EMAIL,
    MISTYPED,
    BROUGHT,
    NUMBER,
    PASSWORD,
    *SAID.values(),
    *name_keys(*(ZEBULONIA[f"{which}_name"] for which in ("given", "family", "birth"))),
    "7569217076985",
    "+41795550177",
    *(
        value
        for name, value in ZEBULONIA.items()
        if name in ("ahv_number", "phone", "postal_code", "birth_date")
    ),
    *(value for name, value in ZEBULONIA.items() if name.endswith("_name") or name in ("street", "city")),
]
EMPTY = bytes(512)  # most of what PostgreSQL keeps is that
# The institution's own register.
STAYS = ("records", "name_counts", "portfolio", "merged_records", "changed_records")
RECORD = f"""record_number;ahv_number;family_name;given_name;birth_name;birth_date;sex;email
{NUMBER};756.9217.0769.85;Quuxmüller;Zebulonia;Xanthopoulos;1971-02-03;female;{EMAIL}
"""


PORTFOLIO = f"record_number;kind;number;title\n{NUMBER};course;1;Didaktik\n"
ACCOUNTS = f"email;given_name;family_name;locale;birth_date\n{BROUGHT};Zebulonia;Quuxmüller;de;1971-02-03\n"


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
        self.leaves_a_form()
        for own in ("portfolio", "documents"):
            self.ask("GET", f"/me/{own}", expected=200)
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

    def leaves_a_form(self) -> None:
        """Filled in on the page, looked at once more, and not saved."""
        cookie = self.ask("POST", "/session", {"email": EMAIL, "password": PASSWORD}, expected=201)
        cookies: dict[str, str] = {}

        def visited(method: str, body: bytes | None = None, **headers: str):
            headers |= {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
            headers |= {"User_Agent": DEVICE, "Sec_Fetch_Site": "same-origin"}
            return self.service.ask(method, "/my-data/edit", body, **headers)

        def take(answer) -> None:
            given = (value.split(";")[0] for name, value in answer.headers if name == "Set-Cookie")
            cookies.update(each.split("=", 1) for each in given)

        take(cookie)
        page = visited("GET")
        take(page)
        typed = {**ZEBULONIA, "street": SAID["draft"], **hidden_fields(page.body.decode())}
        sent = visited("POST", urlencode(typed).encode(), Content_Type="application/x-www-form-urlencoded")
        assert (sent.status, dict(sent.headers)["Location"]) == (303, "/my-data/check")
        self.secrets += cookies.values()

    def meets_the_secretariat(self, account_id: str) -> None:
        """Searched for, noted about, unlinked, asked, linked again, and made one with another account of hers."""
        clerk = signed_in_with_code(self.service, "clerk@school.example", "secretariat")

        def does(path: str, body: dict, expected: int = 204):
            answer = self.service.ask("POST", f"/api/v1{path}", body, **clerk)
            assert answer.status == expected, (path, answer)
            return answer

        account = f"/accounts/{account_id}"
        does(f"{account}/note", {"note": SAID["note"]})
        does(f"{account}/unlink", {"reason": "wrong-record", "note": SAID["unlinked"]})
        cases = "SELECT case_id FROM cases WHERE account_id = %s"
        until(lambda: bool(self.service.rows(cases, account_id)))
        ((case_id,),) = self.service.rows(cases, account_id)
        does(f"/cases/{case_id}/question", {"text": SAID["question"]}, 200)
        self.ask("POST", "/me/case/answer", {"text": SAID["answer"]}, expected=200)
        link = {"record_number": NUMBER, "reason": "identity-checked", "note": SAID["linked"]}
        does(f"/cases/{case_id}/link", link, 200)
        assert does("/accounts/search", {"q": "quuxmuller zeb"}, 200).json["items"]
        (other,) = does("/accounts/search", {"q": BROUGHT}, 200).json["items"]
        why = {"reason": "same-person", "note": SAID["merged"]}
        does(f"{account}/merge", {"account": other["id"], **why})

    def signs_in(self, pair: dict[str, str]) -> None:
        token = self.ask("POST", "/tokens", pair, expected=201).json["token"]
        self.secrets.append(token)
        self.bearer = {"Authorization": f"Bearer {token}"}


def keys_of(service: RunningService, account_id: str) -> list[str | bytes]:
    """Her data key, and every digest, handle, hash and sealed value that the write side held of her."""
    keyring = read_keyring(service.home / "master.key")
    ((person, generation, wrapped),) = service.rows("SELECT * FROM data_keys WHERE person = %s", account_id)
    held = {
        table: [
            value
            for row in service.rows(f"SELECT * FROM {table} WHERE {column} = %s", account_id)
            for value in row
            if len(value if isinstance(value, bytes | str) else "")
            >= (16 if isinstance(value, bytes) else 32)
        ]
        for table, column in OF_A_PERSON.items()
    }
    without = {table for table, values in held.items() if not values}
    assert without == {"roles", "seen_items", "passkeys"}, without  # that hold no such value
    assert service.rows("SELECT item_id FROM seen_items WHERE account_id = %s", account_id)
    throttled = [keyring.current.digest("throttle address", address_key(each)) for each in (EMAIL, NEW_EMAIL)]
    found = [wrapped, keyring.unwrap(generation, person.bytes, wrapped), *throttled]
    return found + [value for values in held.values() for value in values]


@cache
def forms(secret: str | bytes) -> set[bytes]:
    """As it may stand somewhere: as it is, escaped, or folded as search keys are."""
    if isinstance(secret, bytes):
        return {secret, secret.hex().encode(), b64encode(secret)}
    written = {secret, json.dumps(secret)[1:-1], quote(secret), search_form(secret)}
    return {each.encode() for each in written if each}


def tables_of(service: RunningService) -> dict[str, bytes]:
    with psycopg.connect(service.database) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {f"table {table}": _rows(connection, table) for (table,) in tables}


def dump(service: RunningService) -> dict[str, bytes]:
    """Every table, and every file of the home, PostgreSQL's own among them, and what the processes said."""
    ((ours,),) = service.rows("SELECT oid::text FROM pg_database WHERE datname = current_database()")
    others = re.compile(rf"postgresql/data/base/(?!{ours}/)")  # PostgreSQL's templates
    kept = {
        str(file.relative_to(service.home)): file.read_bytes().replace(EMPTY, b"")
        for file in service.home.rglob("*")
        if file.is_file()
        and not file.name.endswith(".eml")
        and not others.match(str(file.relative_to(service.home)))
    }
    return {**tables_of(service), **kept, "log": service.log.read_bytes()}


def _rows(connection: psycopg.Connection, table: str) -> bytes:
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode()
        for row in connection.execute(f'SELECT * FROM "{table}"')
        for value in row
    )


def found_in(places: dict[str, bytes], secrets: list[str | bytes]) -> set[tuple[str, str]]:
    everything = b"\0\n\0".join(places.values())
    there = {secret for secret in secrets if any(form in everything for form in forms(secret))}
    return {
        (where, str(secret))
        for where, all_of_it in places.items()
        for secret in there
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
    for kind, text in (("records", RECORD), ("portfolio", PORTFOLIO), ("accounts", ACCOUNTS)):
        done = service.command("import", kind, str(written(service, text)))
        assert done.returncode == 0, done.stderr
    person = Person(service)
    account_id = person.path()
    person.meets_the_secretariat(account_id)
    service.sign_up(NEIGHBOUR)
    service.wait_for_mail(NEIGHBOUR)
    keys, secrets = keys_of(service, account_id), [*PLAIN, *person.secrets]
    before = tables_of(service)
    looked_for = [EMAIL, NEW_EMAIL, "quuxmuller zebulonia", NUMBER, keys[0], *keys[4:]]
    told = {secret for _, secret in found_in(before, looked_for)}
    assert told == set(map(str, looked_for))  # the looking finds what is there
    log = service.rows("SELECT * FROM events ORDER BY position")

    erased_by_two(service, account_id)
    until(
        lambda: service.rows("SELECT state FROM directory WHERE account_id = %s", account_id) == [("erased",)]
    )

    assert service.rows("SELECT * FROM events ORDER BY position")[: len(log)] == log
    forget_on_disk(service)
    stays = {f"table {table}" for table in STAYS} | register_files(service)
    after = {where: all_of_it for where, all_of_it in dump(service).items() if where not in stays}
    assert found_in(after, [*secrets, *keys]) == set()
    others = {where for where, _ in found_in(after, [search_form(NEIGHBOUR)])}
    assert "table finder" in others
    assert any(where.startswith("postgresql/data/base/") for where in others)  # what stays is found on disk
    assert service.rows("SELECT family_name FROM records WHERE record_number = %s", NUMBER) == [
        ("Quuxmüller",)
    ]

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


def register_files(service: RunningService) -> set[str]:
    """Where PostgreSQL keeps the register of the institution."""
    relations = service.rows(
        "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relname = ANY(%s) OR oid IN"
        " (SELECT indexrelid FROM pg_index JOIN pg_class AS t ON t.oid = indrelid WHERE t.relname = ANY(%s))",
        list(STAYS),
        list(STAYS),
    )
    return {f"postgresql/data/{path}" for (path,) in relations}
