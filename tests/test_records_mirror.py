"""A mirror of the institution's records: what is read, what is not believed, and what stays meanwhile."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from threading import Event, Thread
from urllib.parse import quote, urlencode

import psycopg
import pytest
from certificates import a_certificate, server_side
from people import HOUR, NOON
from psycopg.conninfo import conninfo_to_dict
from records_register import Register, a_record, send, serving
from services import new_database

from infrastructure.database import open_pool
from infrastructure.records_address import source_at
from infrastructure.records_mirror import Mirror, RefreshedElsewhere
from infrastructure.records_refresh import STAGED, Refreshed
from infrastructure.records_service import JsonService
from infrastructure.records_source import Source, SourceFault
from infrastructure.records_view import DatabaseView

TODAY = date(2025, 9, 1)
ADA = a_record(1)


class House:
    """A mirror in a database of this test."""

    def __init__(self, pool, database_url: str) -> None:
        self.pool = pool
        self.mirror = Mirror(pool, database_url)
        self.now = NOON

    def refresh(self, source: Source | str, **options) -> Refreshed:
        source = source_at(source) if isinstance(source, str) else source
        return self.mirror.refresh(source, now=self.now, today=TODAY, **options)

    def refused(self, source: Source | str, **options) -> tuple[str, str]:
        """Why nothing was read, which is noted; the records stay as they were."""
        before = self.records()
        with pytest.raises(SourceFault) as fault:
            self.refresh(source, **options)
        state = self.mirror.state()
        assert (state.fault, state.detail) == (fault.value.code, fault.value.detail)
        assert self.records() == before
        return fault.value.code, fault.value.detail

    def rows(self, statement: str) -> list[tuple]:
        with self.pool.connection() as connection:
            return connection.execute(statement).fetchall()

    def records(self) -> dict[str, str]:
        return dict(self.rows("SELECT record_number, family_name FROM records"))


@pytest.fixture
def house(database_url) -> Iterator[House]:
    with open_pool(database_url, size=4, name="test") as pool:
        yield House(pool, database_url)


def told(report: Refreshed) -> tuple[int, ...]:
    return report.added, report.changed, report.unchanged, report.gone, report.merged, report.refusals.total()


def many(count: int, **fields) -> list[dict]:
    return [a_record(number, **fields) for number in range(1, count + 1)]


# --- a service ----------------------------------------------------------------------------------------------


def test_all_pages_are_read_and_only_what_differs_is_taken_over(house):
    register = Register(*many(5))
    with serving(register) as url:
        assert told(house.refresh(url)) == (5, 0, 0, 0, 0, 0)
        assert house.rows("SELECT count(*) FROM records WHERE match_keys IS NOT NULL") == [(5,)]
        first, *others = many(5)
        register.change(first | {"phone": "079 000 01 01"}, *others[:-1], a_record(6))
        assert told(house.refresh(url)) == (1, 1, 3, 1, 0, 0)
    assert house.records().keys() == {"R-1", "R-2", "R-3", "R-4", "R-6"}
    assert house.rows("SELECT phone FROM records WHERE record_number = 'R-1'") == [("+41790000101",)]
    assert house.rows("SELECT bearers FROM name_counts WHERE field = 'people'") == [(5,)]
    state = house.mirror.state()
    assert (state.records, state.read_at, state.fault, state.refused) == (5, NOON, None, {})


def test_what_has_not_changed_is_asked_for_once_and_not_read(house):
    register = Register(*many(5))
    with serving(register) as url:
        house.refresh(url)
        house.now += HOUR
        assert house.refresh(url).same
        assert len(register.asked) == 3 + 1
        assert register.asked[-1][1]["If-None-Match"] == '"1"'
        assert (house.mirror.state().records, house.mirror.state().read_at) == (5, NOON + HOUR)
        assert told(house.refresh(url, whole=True)) == (0, 0, 5, 0, 0, 0)


def test_what_somebody_changed_by_hand_is_put_right_by_the_next_whole_reading(house):
    with serving(Register(*many(3))) as url:
        house.refresh(url)
        house.rows("UPDATE records SET city = 'Bienne' WHERE record_number = 'R-2' RETURNING 1")
        assert told(house.refresh(url, whole=True)) == (0, 1, 2, 0, 0, 0)
    assert house.rows("SELECT count(*) FROM records WHERE city IS NOT NULL") == [(0,)]


def test_a_record_that_cannot_be_taken_leaves_its_older_state_and_the_others_alone(house):
    register = Register(*many(3))
    with serving(register) as url:
        house.refresh(url)
        _, second, third = many(3)
        tomorrow = (TODAY + timedelta(days=1)).isoformat()
        register.change(
            ADA | {"birth_date": tomorrow, "family_name": "Other"},
            second | {"phone": 791234567},
            third | {"family_name": "New"},
        )
        report = house.refresh(url)
    assert told(report) == (0, 1, 0, 0, 0, 2)
    assert [(number, refusal.field, refusal.code) for number, refusal in report.refused] == [
        ("R-1", "birth_date", "future-date"),
        ("R-2", "phone", "not-text"),
    ]
    assert house.records() == {"R-1": "Family1", "R-2": "Family2", "R-3": "New"}
    assert house.mirror.state().refused == {"birth_date future-date": 1, "phone not-text": 1}


def test_a_merged_record_leaves_the_register_and_points_to_the_one_that_stays(house):
    register = Register(*many(4))
    with serving(register) as url:
        house.refresh(url)
        first, second, third, fourth = many(4)
        register.change(
            first, {"record_number": "R-2", "merged_into": "R-1"}, third, fourth | {"merged_into": "R-4"}
        )
        assert told(house.refresh(url)) == (0, 0, 2, 0, 1, 1)
        assert told(house.refresh(url, whole=True)) == (0, 0, 3, 0, 0, 1)
        assert house.rows("SELECT * FROM merged_records") == [("R-2", "R-1")]
        assert house.records().keys() == {"R-1", "R-3", "R-4"}
        register.change(first, second, third, fourth)
        assert told(house.refresh(url)) == (1, 0, 3, 0, 0, 0)
    assert house.rows("SELECT * FROM merged_records") == []


@pytest.mark.parametrize("merged", [False, True])
def test_records_that_disappear_in_numbers_are_kept_until_somebody_says_that_it_is_right(house, merged):
    register = Register(*many(120), page=200)
    with serving(register) as url:
        house.refresh(url)
        left = [{"record_number": each["record_number"], "merged_into": "R-1"} for each in many(120)[107:]]
        register.change(*many(107), *(left if merged else []))
        assert house.refused(url) == ("losses", "13 of 120")
        since = house.mirror.state().since
        house.now += HOUR
        assert house.refused(url) == ("losses", "13 of 120")
        assert house.mirror.state().since == since
        report = house.refresh(url, accept_losses=True)
        assert report.gone + report.merged == 13
        assert house.mirror.state().since is None
        register.change(*many(97))  # a tenth of 107 is less than the ten that may go
        assert house.refresh(url).gone == 10
        register.change()
        assert house.refused(url) == ("losses", "97 of 97")


def test_records_that_become_somebody_elses_in_numbers_are_not_believed_either(house):
    register = Register(*many(120), page=200)
    with serving(register) as url:
        house.refresh(url)
        swapped = [each | {"family_name": "Ada", "given_name": each["family_name"]} for each in many(120)]
        register.change(*swapped[:12], *many(120)[12:])
        assert house.refresh(url).changed == 12
        register.change(*swapped[:25], *many(120)[25:])
        assert house.refused(url) == ("strangers", "13 of 120")
        spaced = [each | {"family_name": f" {each['family_name']} ", "city": "Bienne"} for each in many(120)]
        register.change(*swapped[:12], *spaced[12:])
        assert house.refresh(url).changed == 108
        register.change(*({"record_number": each["record_number"]} for each in many(120)))
        assert house.refused(url) == ("strangers", "120 of 120")
        assert house.refresh(url, accept_losses=True).changed == 120


def test_whoever_ends_a_reading_halfway_loses_nothing(house):
    def end(what: str, count: int) -> None:
        if what == "taken over":
            raise KeyboardInterrupt

    with serving(Register(*many(1500), page=1500)) as url:
        with pytest.raises(KeyboardInterrupt):
            house.refresh(url, progress=end)
        assert (len(house.records()), house.mirror.state()) == (1000, None)
        assert told(house.refresh(url)) == (500, 0, 1000, 0, 0, 0)


def test_a_few_records_disappear_but_never_all(house):
    register = Register(*many(3))
    with serving(register) as url:
        house.refresh(url)
        register.change(ADA)
        assert house.refresh(url).gone == 2
        register.change()
        assert house.refused(url) == ("losses", "1 of 1")


def answering(body, **how):
    return lambda handler, page: send(handler, body, **how)


def a_page(**members):
    return {"version": "1", "total": 1, "records": [ADA], "next": None} | members


RUBBISH = {
    "no json": (answering(b"<html>Maintenance</html>"), ("not-json", "")),
    "a list": (answering([ADA]), ("shape", "object")),
    "no version": (answering(a_page(version=None)), ("shape", "version")),
    "a total in words": (answering(a_page(total="1")), ("shape", "total")),
    "records in one": (answering(a_page(records={"R-1": ADA})), ("shape", "records")),
    "a record that is none": (answering(a_page(records=["R-1"])), ("shape", "records")),
    "an unknown field": (
        answering(a_page(records=[ADA | {"birthdate": "1990-05-14"}])),
        ("shape", "birthdate"),
    ),
    "no number": (answering(a_page(records=[{"family_name": "Keller"}])), ("shape", "record_number")),
    "an empty number": (
        answering(a_page(records=[ADA | {"record_number": " "}])),
        ("shape", "record_number"),
    ),
    "next is a number": (answering(a_page(next=2)), ("shape", "next")),
    "the same page for ever": (answering(a_page(total=9, next="?page=0")), ("incomplete", "10 of 9")),
    "a number twice": (answering(a_page(total=2, records=[ADA, ADA])), ("twice", "")),
    "empty pages for ever": (answering(a_page(total=9, records=[], next="?page=1")), ("shape", "records")),
    "more than announced": (answering(a_page(total=0)), ("incomplete", "1 of 0")),
    "less than announced": (answering(a_page(total=2)), ("incomplete", "1 of 2")),
    "half an answer": (answering(b'{"version"', content_length="99"), ("broken-off", "")),
    "an error": (answering(b"", status=503), ("status", "HTTP 503")),
    "nothing has changed, unasked": (answering(b"", status=304), ("status", "HTTP 304")),
    "not let in": (answering(b"", status=401), ("login", "HTTP 401")),
    "led elsewhere": (answering(b"", status=302, location="http://127.0.0.1:1/records"), ("redirect", "")),
    "the next page elsewhere": (answering(a_page(total=2, next="http://localhost:1/")), ("redirect", "")),
    "the next page nowhere": (answering(a_page(total=2, next="http://[")), ("shape", "next")),
    "the next page at no port": (answering(a_page(total=2, next="//127.0.0.1:99999/")), ("shape", "next")),
    "led nowhere": (answering(b"", status=302, location="http://["), ("redirect", "")),
    "led in a circle": (answering(b"", status=302, location="/records"), ("redirect", "")),
    "a page without end": (answering(b" " * 5_000), ("too-large", "")),
}


def test_rubbish_is_told_for_what_it_is_and_changes_nothing(house):
    register = Register(*many(3))
    with serving(register) as url:
        source = JsonService(url, page_bytes=4_000)
        house.refresh(source)
        for what, (act, said) in RUBBISH.items():
            register.act = act
            assert (what, house.refused(source, whole=True)) == (what, said)


def test_a_source_that_is_down_or_slow_changes_nothing_and_holds_nobody_for_long(house):
    over = Event()

    def dribble(handler, page):
        """A byte now and then, which no timeout of a socket minds."""
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        while not over.wait(0.02):
            handler.wfile.write(b".")
        return True

    register = Register(*many(5))
    with serving(register) as url:
        source = JsonService(url, page_seconds=0.3)
        house.refresh(source)
        register.act = lambda handler, page: page == 1 and dribble(handler, page)
        assert house.refused(source, whole=True) == ("slow", "")
        over.set()
    assert house.refused(source) == ("down", "ECONNREFUSED")


def test_a_register_that_changes_while_it_is_read_is_read_anew(house):
    register = Register(*many(STAGED + 1), page=STAGED)  # of which all but one are put by when it changes
    changes = iter(range(1))

    def change(handler, page):
        if page == 1 and next(changes, None) is not None:
            register.change(*many(6)[1:])
        return False

    register.act = change
    with serving(register) as url:
        assert told(house.refresh(url)) == (5, 0, 0, 0, 0, 0)
        assert house.records().keys() == {"R-2", "R-3", "R-4", "R-5", "R-6"}
        register.page, changes = 2, iter(range(99))
        assert house.refused(url, whole=True) == ("changed", "")


def test_only_a_certificate_that_is_vouched_for_is_trusted(house, tmp_path, monkeypatch):
    certificate = a_certificate(tmp_path)
    with serving(Register(ADA), encrypted=server_side(certificate)) as url:
        assert house.refused(url) == ("certificate", "")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert told(house.refresh(url)) == (1, 0, 0, 0, 0, 0)
        assert house.refused(url.replace("127.0.0.1", "localhost")) == ("certificate", "")


def test_what_is_secret_in_an_address_is_told_to_the_source_and_to_nobody_else(house, caplog):
    register = Register(ADA)
    with serving(register) as url:
        address = url.replace("//", "//matricule:s%2Fecret@") + "?key=s3same"
        house.refresh(address)
        assert register.asked[0][0].endswith("/records?key=s3same")
        assert register.asked[0][1]["Authorization"] == "Basic bWF0cmljdWxlOnMvZWNyZXQ="
        register.act = answering(b"", status=500)
        house.refused(address, whole=True)
    assert house.mirror.state().source == url
    told = json.dumps([str(row) for row in house.rows("SELECT * FROM records_mirror")]) + caplog.text
    assert "ecret" not in told
    assert "s3same" not in told


def test_one_reads_and_another_is_told_so(house):
    reached, go_on = Event(), Event()

    def wait(handler, page):
        reached.set()
        go_on.wait(10)
        return False

    register = Register(ADA)
    register.act = wait
    with serving(register) as url:
        reading = Thread(target=house.refresh, args=(url,))
        reading.start()
        assert reached.wait(10)
        with pytest.raises(RefreshedElsewhere):
            house.refresh(url)
        assert open_writers(house) == []  # nobody who reads the log waits for a source that takes its time
        go_on.set()
        reading.join()
    assert house.records() == {"R-1": "Family1"}


def open_writers(house) -> list[tuple]:
    return house.rows(
        "SELECT pid FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
    )


@pytest.mark.parametrize(
    "address",
    [
        "http://register.school.example/records",
        "ftp://register.school.example",
        "postgresql://u:s3cret@host/db",
        "postgresql://u:s3cret@host/db?view=",
        "postgresql://u:s3cret@host/db?view=a.b.c",
        "postgresql://u:s3cret@host/db?view=v&colour=red",
        "https://",
        "https://host:port/",
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_quoting_it(address):
    with pytest.raises(ValueError, match=r"view=schema\.name") as refused:
        source_at(address)
    assert "s3cret" not in str(refused.value)


# --- a view in another database -----------------------------------------------------------------------------


class OtherDatabase:
    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.url = f"postgresql:///?{urlencode(conninfo_to_dict(conninfo), quote_via=quote)}"
        self.execute("CREATE SCHEMA hr", "CREATE TABLE hr.people (no int PRIMARY KEY, name text, born date)")

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.conninfo) as connection:
            for statement in statements:
                connection.execute(statement)

    def view(self, columns: str) -> None:
        self.execute(
            "DROP VIEW IF EXISTS hr.records", f"CREATE VIEW hr.records AS SELECT {columns} FROM hr.people"
        )


@pytest.fixture
def other(postgres) -> Iterator[OtherDatabase]:
    with new_database(postgres) as conninfo:
        yield OtherDatabase(conninfo)


COLUMNS = "'R-' || no AS record_number, name AS family_name, born AS birth_date"


def test_a_view_is_read_whatever_its_types_and_its_database_may_go_and_come_back(house, other):
    other.view(COLUMNS)
    other.execute(
        "INSERT INTO hr.people SELECT n, 'Family' || n, '1990-05-14' FROM generate_series(1, 2500) AS n"
    )
    url = f"{other.url}&view=hr.records"
    assert told(house.refresh(url)) == (2500, 0, 0, 0, 0, 0)
    assert house.rows("SELECT DISTINCT birth_date FROM records") == [(date(1990, 5, 14),)]
    other.execute(
        "UPDATE hr.people SET name = 'Keller' WHERE no = 7", "DELETE FROM hr.people WHERE no > 2400"
    )
    assert told(house.refresh(url)) == (0, 1, 2399, 100, 0, 0)
    assert house.mirror.state().source.endswith("?view=hr.records")
    other.execute("ALTER TABLE hr.people RENAME TO persons", "DROP VIEW hr.records")
    assert house.refused(url) == ("no-view", "")
    assert len(house.records()) == 2400


def test_a_view_that_is_not_as_agreed_changes_nothing(house, other):
    url = f"{other.url}&view=hr.records"
    other.execute("INSERT INTO hr.people VALUES (1, 'Keller', '1990-05-14')")
    other.view("no AS id, name AS family_name")
    assert house.refused(url) == ("columns", "id")
    other.view("name AS family_name")
    assert house.refused(url) == ("columns", "record_number")
    other.view("'R-1' AS record_number, (1 / (no - 1))::text AS city")
    assert house.refused(url) == ("database", "22012")
    other.view("'R-1' AS record_number, pg_sleep(9)::text AS city")
    assert house.refused(DatabaseView(url, page_seconds=0.2)) == ("slow", "")
    known = conninfo_to_dict(other.conninfo)
    assert house.refused(url.replace(known["dbname"], "nowhere")) == ("down", "")
    other.view(COLUMNS)
    other.execute("INSERT INTO hr.people VALUES (2, 'Lovelace', NULL)")
    assert told(house.refresh(url)) == (2, 0, 0, 0, 0, 0)
