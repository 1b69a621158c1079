"""Accounts from a file: what is taken, what is refused and why, and that nobody is written to."""

from dataclasses import replace
from datetime import date
from uuid import uuid4
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook
from people import AURELIE, NOON
from read_side import catch_up, projecting
from write_side import WriteSide, nothing

from application.imports import Imports
from application.invitations import Invitations
from domain import errors
from domain.search_keys import search_form
from domain.values import LOCALES, OPERATOR
from infrastructure import import_sheet
from infrastructure.accounts_import import AccountsImport
from infrastructure.bootstrap import READ_MODELS
from infrastructure.history import History
from infrastructure.import_file import MOST_REFUSALS, Refusal, Report, why
from infrastructure.past import Past
from infrastructure.places import Places
from infrastructure.uninvited import Uninvited
from projections.accesses import AccessPlaces
from projections.directory import Directory
from projections.finder import Finder
from projections.timeline import Timeline

NEEDED = "email;given_name;family_name;locale"
WHOLE = f"{NEEDED};ahv_number;birth_date;sex;nationality;street;postal_code;city;country;canton;record_number"
AURELIES = (
    "a@school.example;Aurélie;Chappuis;fr;756.1234.5678.97;1987-05-14;F;ch;Rue 1;2800;Delémont;CH;JU;R-000001"
)


class House(WriteSide):
    def __init__(self, database_url: str, folder) -> None:
        super().__init__(database_url, connections=6)
        self.folder = folder
        self.imports = Imports(self.store, self.lookup, self.linking.records, self.clock, uuid4)
        self.invitations = Invitations(self.store, self.clock)

    def take(self, *lines: str, **how) -> Report:
        (self.folder / "accounts.csv").write_text("\n".join(lines) + "\n", "utf-8")
        return self.take_file("accounts.csv", **how)

    def take_file(self, name: str, **how) -> Report:
        return AccountsImport(self.imports).import_file(
            self.folder / name, today=date(2025, 9, 1), actor=OPERATOR, **how
        )

    def id_of(self, email: str):
        return self.lookup.find("email", email)[0]

    def profile_of(self, email: str):
        return self.store.profile(self.store.account(self.id_of(email)).profile_id)


@pytest.fixture
def here(database_url, tmp_path):
    with House(database_url, tmp_path) as here:
        here.with_records({"record_number": "R-000001"}, {"record_number": "R-000002", "ahv_number": None})
        yield here


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.read, report.added, report.changed, report.unchanged


def refusals(report: Report) -> list[tuple]:
    return [(each.line, each.field, each.code) for each in report.refused]


def entries(here) -> dict:
    with projecting(here, READ_MODELS) as projector:
        catch_up(here, projector)
    return {entry.email: entry for entry in Directory(here.pool).page(limit=50)}


def test_what_a_file_says_is_there_afterwards_and_nobody_is_written_to(here):
    report = here.take(WHOLE, AURELIES, "b@school.example;Béat;Moser;de;;1990-01-02;;;;;;;;R-000002")
    assert (counts(report), report.refused) == ((2, 2, 0, 0), [])
    known = entries(here)
    whole, part = known["a@school.example"], known["b@school.example"]
    assert (whole.state, whole.profile_state, whole.link_state) == ("requested", "submitted", "linked")
    assert (part.state, part.profile_state, part.link_state) == ("requested", "missing", "linked")
    assert (whole.record_number, whole.canton, part.locale) == ("R-000001", "JU", "de")
    assert here.rows("SELECT count(*) FROM outbox") == [(0,)]
    for beginning, found in (("chap", whole), ("moser", part), ("b@school", part), ("r-000002", part)):
        places = Finder(here.pool).page(search_form(beginning), {}, after=None, limit=5)
        assert [place.account_id for place in places] == [found.account_id], beginning
    assert here.lookup.find("ahv", "7561234567897") == [whole.account_id]
    log = here.rows("SELECT string_agg(encode(state, 'escape'), '') FROM events")[0][0]
    assert not [word for word in ("Chappuis", "school.example", "R-000001", "Rue 1") if word in log]
    then = Past(here.store).state(whole.account_id, _now(here))
    assert {"state": "requested", "link_state": "linked"}.items() <= then.values(NOON).items()


def _now(here):
    from infrastructure.instants import Cut

    return Cut(here.rows("SELECT max(position) FROM events")[0][0], NOON)


def test_a_second_file_changes_what_differs_and_keeps_what_it_does_not_mention(here):
    here.take(WHOLE, AURELIES)
    assert counts(here.take(WHOLE, AURELIES)) == (1, 0, 0, 1)
    events = here.rows("SELECT count(*) FROM events")
    assert counts(here.take(f"{NEEDED};city;street", "A@SCHOOL.example;Aurélie;Favre;de;Moutier;")) == (
        1,
        0,
        1,
        0,
    )
    assert here.rows("SELECT count(*) FROM events") == [(events[0][0] + 2,)]
    data = here.profile_of("a@school.example").data
    assert (data.family_name, data.city, data.street) == ("Favre", "Moutier", "Rue 1")
    account = here.store.account(here.id_of("a@school.example"))
    assert (account.family_name, account.locale) == ("Favre", "de")
    assert counts(here.take(f"{NEEDED};record_number", "a@school.example;Aurélie;Favre;de;R-000002")) == (
        1,
        0,
        1,
        0,
    )
    assert here.lookup.find("record", "R-000001") == []
    assert here.lookup.find("record", "R-000002") == [account.id]


def test_refused_lines_say_why_and_leave_the_others_alone(here):
    mine = here.opened("mine@school.example")
    here.profiles.submit(mine, AURELIE, actor=mine)
    here.linking.match(mine, settled=nothing)
    here.store.record(_signed_in(here, mine))
    report = here.take(
        f"{NEEDED};ahv_number;record_number",
        "good@school.example;A;B;fr;;R-000001",
        "good@school.example;A;B;fr;;",
        "taken@school.example;A;B;fr;;R-000001",
        "unknown@school.example;A;B;fr;;R-999",
        "mine@school.example;Other;Name;fr;;",
        "no-address;A;B;fr;;",
        "x@school.example;A;B;it;756.1234.5678.98;",
        "x@school.example;=1+1;B;fr;;",
        "x@school.example;A;B;fr",
        'x@school.example;"A;B;fr;;',
    )
    assert refusals(report) == [
        (3, "email", "duplicate-account"),
        (4, "record_number", "duplicate"),
        (5, "record_number", "record-unknown"),
        (6, "given_name", "in-use"),
        (7, "email", "invalid-email"),
        (8, "locale", "unknown-code"),
        (8, "ahv_number", "ahv-check-digit"),
        (9, "given_name", "formula"),
        (10, None, "number-of-cells"),
        (11, None, "quotes"),
    ]
    assert counts(report) == (10, 1, 0, 0)
    assert refusals(here.take(f"{NEEDED};record_number", "z@school.example;A;B;fr;R-000001")) == [
        (2, "record_number", "record-taken")
    ]
    assert all(why(each, locale) for each in report.refused for locale in LOCALES)


def _signed_in(here, account_id):
    account = here.store.account(account_id)
    account.activate(now=NOON)
    return account


def test_a_rehearsal_says_the_same_and_writes_nothing(here):
    rehearsed = here.take(WHOLE, AURELIES, "x;y;z", dry_run=True)
    assert here.rows("SELECT count(*) FROM events") == [(0,)]
    assert rehearsed == here.take(WHOLE, AURELIES, "x;y;z")


def test_a_workbook_is_read_with_its_own_headers_dates_and_numbers(here, tmp_path):
    book = Workbook()
    book.active.append(["E-Mail", "Prénom", "Nachname", "Langue", "N° AVS", "Né le", "NPA", "Bemerkung"])
    book.active.append(
        ["w@school.example", "Wim", "Zoss", "de-CH", 7561234567897, date(1987, 5, 14), 2800, "x"]
    )
    book.active.append(["f@school.example", "=A1", "Zoss", "de"])
    book.save(tmp_path / "accounts.xlsx")
    assert refusals(here.take_file("accounts.xlsx")) == [(1, None, "unknown-column")]
    assert refusals(here.take_file("accounts.xlsx", names={"Nobody": "street"})) == [
        (1, None, "unknown-column"),
        (1, "Nobody", "mapped-column-missing"),
    ]
    report = here.take_file("accounts.xlsx", names={"Bemerkung": "-"})
    assert (report.added, refusals(report)) == (1, [(3, "given_name", "formula")])
    data = here.profile_of("w@school.example").data
    assert (data.ahv_number, data.birth_date, data.postal_code) == (
        "7561234567897",
        date(1987, 5, 14),
        "2800",
    )


def test_a_workbook_fetches_nothing_and_swells_to_nothing(here, tmp_path, monkeypatch):
    """Neither an entity that stands for a file, nor one that stands for ten others that stand for ten others."""
    book = Workbook()
    book.active.append(NEEDED.split(";"))
    book.active.append(["w@school.example", "Wim", "Zoss", "de"])
    book.save(tmp_path / "plain.xlsx")
    secret = tmp_path / "secret.txt"
    secret.write_text("swordfish")
    swelling = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    for declared, used in (
        (f'<!ENTITY a SYSTEM "{secret.as_uri()}">', "&a;"),
        (f'<!ENTITY a0 "{"Wim" * 100}">{swelling}', "&a9;"),
    ):
        with ZipFile(tmp_path / "plain.xlsx") as plain, ZipFile(tmp_path / "evil.xlsx", "w") as evil:
            for part in plain.namelist():
                text = plain.read(part).decode()
                if "<t>Wim</t>" in text:
                    text = f"<!DOCTYPE x [{declared}]>{text.replace('<t>Wim</t>', f'<t>{used}</t>')}"
                    found = part
                evil.writestr(part, text)
        assert found
        report = here.take_file("evil.xlsx")
        assert [code for *_, code in refusals(report)] == ["not-a-workbook"], declared[:30]
        assert report.added == 0
    monkeypatch.setattr(import_sheet, "UNPACKED", 1000)
    assert refusals(here.take_file("plain.xlsx")) == [(1, None, "workbook-too-large")]


def test_what_is_no_such_file_is_refused_as_a_whole(here, tmp_path):
    for content, refused in {
        b"": (1, None, "no-header"),
        f"{NEEDED}\na@b.ch;Zo\xe9;B;fr\n".encode("latin-1"): (2, None, "not-utf-8"),
        f"{NEEDED}\n".encode("utf-16"): (1, None, "not-utf-8"),
        b"PK\x03\x04 no workbook": (1, None, "not-a-workbook"),
        b"email;given_name;family_name\n": (1, "locale", "column-missing"),
        b"email|given_name|family_name|locale\n": None,
    }.items():
        (tmp_path / "file").write_bytes(content)
        report = here.take_file("file")
        assert report.refused
        assert refused in (None, refusals(report)[0])
        assert report.read == 0


def test_of_a_file_without_a_header_no_cell_is_repeated(here):
    person = "ada@school.example;Ada;Ke\0ller;756.1234.5678.97"
    report = here.take(person, person)
    unknown = report.refused[:4]
    assert [(each.field, each.code, each.details) for each in unknown] == [
        (None, "unknown-column", {"column": number}) for number in (1, 2, 3, 4)
    ]
    told = str([report.as_dict(locale) for locale in LOCALES]).lower()
    assert not [cell for cell in ("ada", "ller", "5678") if cell in told]
    assert refusals(here.take(";".join(["email"] * 201))) == [(1, None, "too-many-columns")]
    assert refusals(here.take("x" * 200_000)) == [(1, None, "no-header")]


def test_a_workbook_that_is_made_to_harm_is_refused(here, tmp_path):
    book = Workbook()
    book.active.append(NEEDED.split(";"))
    book.active.append(["a@school.example", "A", "B", "fr"])
    book.save(tmp_path / "good.xlsx")
    good, sheet = (tmp_path / "good.xlsx").read_bytes(), "xl/worksheets/sheet1.xml"
    with ZipFile(tmp_path / "good.xlsx") as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
        begins = packed.getinfo(sheet).header_offset + 30 + len(sheet)

    def with_part(name: str, content: bytes) -> str:
        with ZipFile(tmp_path / "forged.xlsx", "w", ZIP_DEFLATED, compresslevel=1) as packed:
            for each in parts:
                packed.writestr(each, content if each == name else parts[each])
        return "forged.xlsx"

    def with_bytes(content: bytes) -> str:
        (tmp_path / "forged.xlsx").write_bytes(content)
        return "forged.xlsx"

    styles = "xl/styles.xml"
    bomb = with_part(styles, parts[styles] + b" " * import_sheet.WHOLE)
    assert refusals(here.take_file(bomb)) == [(1, None, "workbook-too-large")]
    endless = with_part(sheet, parts[sheet].replace(b'<row r="2"', b'<row r="1000000000000000"'))
    assert refusals(here.take_file(endless, dry_run=True)) == [(2, None, "workbook-too-large")]
    corrupt = with_bytes(good[:begins] + b"\xff" * 20 + good[begins + 20 :])
    assert refusals(here.take_file(corrupt)) == [(1, None, "not-a-workbook")]
    local, *central = good.split(b"PK\x01\x02")
    encrypted = b"PK\x01\x02".join([local, *(each[:4] + b"\1" + each[5:] for each in central)])
    assert refusals(here.take_file(with_bytes(encrypted))) == [(1, None, "not-a-workbook")]
    vast = with_part(sheet, parts[sheet].replace(b"A1:D2", b"A1:D99999999999999999999"))
    assert import_sheet.open_sheet(tmp_path / vast).lines == import_sheet.LINES
    assert here.take_file(vast).added == 1


def test_of_refusals_without_end_so_many_are_kept_and_the_rest_is_counted():
    report = Report()
    for _ in range(3):
        report.refuse([Refusal(2, "email", "missing")] * 4_000)
    assert (len(report.refused), report.refused_count) == (MOST_REFUSALS, 12_000)


def test_an_imported_holder_is_invited_once_and_complete_data_are_matched_then(here):
    here.take(WHOLE, AURELIES.replace("R-000001", ""), "b@school.example;B;M;de;;;;;;;;;;")
    entries(here)
    with pytest.raises(errors.NotInvited):
        here.assistance.resend(here.id_of("a@school.example"), reason="expired", note=None, actor=OPERATOR)
    uninvited = Uninvited(here.pool)
    found = [account_id for account_id, _ in uninvited.after(0, 10)]
    assert (uninvited.count(), {*found}) == (
        2,
        {here.id_of("a@school.example"), here.id_of("b@school.example")},
    )
    assert [here.invitations.invite(found[0], actor=OPERATOR) for _ in range(2)] == [True, False]
    here.store.record(_signed_in(here, found[1]))
    assert not here.invitations.invite(found[1], actor=OPERATOR)
    assert uninvited.count() == 0
    waiting = entries(here)["a@school.example"]
    assert (waiting.link_state, waiting.link_due) == ("waiting", None)
    kinds = here.rows("SELECT kind FROM outbox WHERE account_id = %s ORDER BY kind", found[0])
    assert kinds == [("initial-password",), ("match",)]
    for account_id in found:
        here.linking.match(account_id, settled=nothing)
    case = here.profile_of("a@school.example").open_case
    assert (case.cause, case.due) == ("address-differs", date(2025, 9, 4))
    assert refusals(here.take(f"{NEEDED};city", "a@school.example;Aurélie;Chappuis;fr;Moutier")) == [
        (2, None, "case-open")
    ]


def test_the_holder_of_data_with_gaps_sends_her_own(here):
    here.take(f"{NEEDED};city;record_number", "a@school.example;Aurélie;Chappuis;fr;Bern;R-000001")
    account_id = here.id_of("a@school.example")
    here.profiles.submit(account_id, replace(AURELIE, city="Moutier"), actor=account_id, expected_version=0)
    known = entries(here)["a@school.example"]
    assert (known.profile_state, known.link_state) == ("submitted", "linked")
    history = History(
        here.store, Timeline(here.pool), AccessPlaces(here.pool), Directory(here.pool), Places(None)
    )
    for locale in LOCALES:
        told = history.of(account_id, locale)
        assert [each.type for each in told][:3] == [
            "account.imported",
            "profile.imported",
            "profile.link-imported",
        ]
        assert all(each.name and each.sentence and "{" not in each.sentence for each in told)


def test_whose_link_another_account_took_over_waits_for_nothing_before_she_has_told_the_rest(here):
    here.take(WHOLE, AURELIES.replace("R-000001", ""), "b@school.example;B;M;de;;;;;;;;;;R-000002")
    kept, other = here.id_of("a@school.example"), here.id_of("b@school.example")
    here.merges.merge(kept, other, reason="same-person", note=None, actor=OPERATOR)
    known = entries(here)
    assert known["a@school.example"].record_number == "R-000002"
    assert known["b@school.example"].link_state == here.profile_of("b@school.example").link_state == "none"
