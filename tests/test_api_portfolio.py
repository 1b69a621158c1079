"""Portfolio and documents over the JSON door: whom they reach, how they leave, and what is still new."""

import base64
import hashlib
import json

import pytest
from api_client import FRONTEND, PREFIX, PROFILE, PUBLIC_URL, Client, running
from linked_people import a_record, link, unlink
from portfolio_files import PDF, HandedOver, sha256
from services import new_database

from api.documentation import openapi_document
from domain.errors import AccountClosed, AccountLocked
from domain.values import LOCALES
from infrastructure.translations import text

TYPES = {
    "application/pdf": (PDF, "a.pdf"),
    "image/png": (b"\x89PNG\r\n\x1a\n\0\0", "a.png"),
    "image/jpeg": (b"\xff\xd8\xff\xe0\0", "a.jpg"),
    "text/plain; charset=utf-8": ("Attestation pour Noémie".encode(), "a.txt"),
    "application/octet-stream": (b"\0\1\2", "a.bin"),
}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "clerk@secretariat.example")


@pytest.fixture
def handed(house, tmp_path) -> HandedOver:
    return HandedOver(tmp_path, house.service.portfolio_items)


@pytest.fixture
def record(house, tmp_path) -> str:
    return a_record(house, tmp_path)


@pytest.fixture
def claire(house, clerk, record) -> Client:
    """Linked to the record."""
    holder = house.holder()
    link(house, clerk, holder, record)
    return holder


def listed(client: Client, path: str = "/me/portfolio") -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.json
    return [item["number"] for item in answer.json["items"]]


def document_id(client: Client, number: str = "1") -> str:
    return next(item["id"] for item in client.get("/me/documents").json["items"] if item["number"] == number)


def problem(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["type"].removeprefix("/problems/")


def head(client: Client, path: str):
    return client.browser.head(PREFIX + path, base_url=PUBLIC_URL)


# --- what is shown


def test_a_portfolio_shows_courses_certificates_and_documents(claire, record, handed):
    handed.take(
        f"{record};course;FC-1;Albums de jeunesse;followed;2025-02-05;2025-03-26;1.5;;",
        f"{record};certificate;CAS-1;;obtained;;2025-06-30;10;;",
        handed.document(record, "A-1"),
    )
    answer = claire.get("/me/portfolio")
    certificate, document, course = answer.json["items"]
    assert answer.json["next_cursor"] is None
    assert course == {
        "id": course["id"],
        "kind": "course",
        "number": "FC-1",
        "title": "Albums de jeunesse",
        "state": "followed",
        "from": "2025-02-05",
        "to": "2025-03-26",
        "ects": 1.5,
        "document": None,
        "new": True,
    }
    assert (certificate["title"], certificate["from"], certificate["ects"]) == (None, None, 10)
    assert document["document"] == {
        "name": "a.pdf",
        "media_type": "application/pdf",
        "size": len(PDF),
        "sha256": sha256(PDF),
    }
    assert listed(claire, "/me/documents") == ["A-1"]


def test_a_certificate_with_a_file_is_among_the_documents(claire, record, handed):
    handed.take(handed.document(record, "CAS-1", kind="certificate"), f"{record};course;1;;;;;;;")
    assert listed(claire, "/me/documents") == ["CAS-1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=course", ["2", "1"]),
        ("kind=document", ["3"]),
        ("state=registered", ["2"]),
        ("from=2025-03-01&to=2025-03-31", ["2"]),
        ("to=2025-02-24", ["1"]),
        ("kind=course&state=followed&from=2025-01-01", ["1"]),
    ],
)
def test_filters_narrow_it(claire, record, handed, query, found):
    handed.take(
        f"{record};course;1;;followed;2025-01-10;;;;",
        f"{record};course;2;;registered;2025-02-25;2025-03-10;;;",
        handed.document(record, "3"),
    )
    assert listed(claire, f"/me/portfolio?{query}") == found


@pytest.mark.parametrize(
    ("query", "field"),
    [("kind=lesson", "kind"), ("state=x", "state"), ("from=1.2.2025", "from"), ("sort=title", "sort"),
     ("from=2025-02-02&to=2025-02-01", "from"), ("limit=201", "limit")],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/me/portfolio", "/me/documents"])
def test_a_filter_that_is_none_is_refused(claire, path, query, field):
    answer = claire.get(f"{path}?{query}")
    assert problem(answer) == (422, "invalid-input")
    assert list(answer.json["errors"]) == [field]


def test_pages_are_led_through_by_a_cursor_that_is_the_holders_own(
    house, clerk, claire, record, handed, tmp_path
):
    handed.take(*(f"{record};course;{n};;;{'2025-02-05' if n < 4 else ''};;;;" for n in range(7)))
    numbers, cursor = [], ""
    while cursor is not None:
        page = claire.get(f"/me/portfolio?limit=3{cursor and f'&cursor={cursor}'}").json
        numbers += [item["number"] for item in page["items"]]
        last, cursor = cursor, page["next_cursor"]
    assert numbers == [str(n) for n in range(7)]
    other = house.holder()
    link(house, clerk, other, a_record(house, tmp_path))
    assert problem(other.get(f"/me/portfolio?cursor={last}")) == (400, "bad-cursor")
    assert problem(claire.get(f"/me/documents?cursor={last}")) == (400, "bad-cursor")


# --- whom it reaches


def test_before_the_link_there_is_nothing_and_it_is_said_what_to_do(house, claire, record, handed):
    handed.take(handed.document(record, "1"))
    wanted = document_id(claire)
    for holder in (house.holder(), house.holder()):
        for path in (
            "/me/portfolio",
            "/me/documents",
            f"/me/documents/{wanted}",
            f"/me/documents/{claire.id}",
        ):
            assert problem(holder.get(path)) == (403, "not-linked-yet")
        holder.put("/me/profile", {**PROFILE, "ahv_number": None})
    for locale in LOCALES:
        told = holder.get("/me/portfolio", headers={"Accept-Language": locale}).json
        assert told["detail"] == text(locale, "problems", "not-linked-yet", "detail")


@pytest.mark.parametrize(
    "path", ["/me/portfolio", "/me/documents", "/me/documents/11111111-1111-4111-8111-111111111111"]
)
def test_nobody_gets_anything_without_signing_in(house, path):
    assert problem(house.client().get(path)) == (401, "not-signed-in")


def test_a_document_reaches_its_holder_and_nobody_else(house, clerk, claire, record, handed, tmp_path):
    others = a_record(house, tmp_path)
    handed.take(handed.document(record, "1"), handed.document(others, "1", PDF + b"theirs", path="b.pdf"))
    other = house.holder()
    link(house, clerk, other, others)
    hers, theirs = document_id(claire), document_id(other)
    for client, own, anothers in ((claire, hers, theirs), (other, theirs, hers)):
        assert client.get(f"/me/documents/{own}").status_code == 200
        assert problem(client.get(f"/me/documents/{anothers}")) == (404, "not-found")
        assert problem(client.get(f"/me/documents/{clerk.id}")) == (404, "not-found")
        assert head(client, f"/me/documents/{anothers}").status_code == 404
    # The hash of a file that one knows opens nothing.
    known = {"If-None-Match": f'"{sha256(PDF + b"theirs")}"'}
    assert claire.get(f"/me/documents/{theirs}", headers=known).status_code == 404


def test_not_even_staff_is_shown_anothers_document(house, clerk, claire, record, handed):
    handed.take(handed.document(record, "1"))
    assert problem(clerk.get(f"/me/documents/{document_id(claire)}")) == (403, "not-linked-yet")


def test_a_course_without_a_file_is_no_document(claire, record, handed):
    handed.take(f"{record};course;1;;;;;;;")
    (course,) = claire.get("/me/portfolio").json["items"]
    assert problem(claire.get(f"/me/documents/{course['id']}")) == (404, "not-found")


def test_after_the_link_was_taken_back_nothing_is_left(clerk, claire, record, handed):
    handed.take(handed.document(record, "1"))
    wanted = document_id(claire)
    unlink(clerk, claire)
    for path in ("/me/portfolio", "/me/documents", f"/me/documents/{wanted}"):
        assert problem(claire.get(path)) == (403, "not-linked-yet")


def test_whoever_is_linked_to_another_record_sees_that_one_alone(
    house, clerk, claire, record, handed, tmp_path
):
    others = a_record(house, tmp_path)
    handed.take(handed.document(record, "old"), handed.document(others, "new", PDF + b"2", path="b.pdf"))
    wanted = document_id(claire, "old")
    unlink(clerk, claire)
    link(house, clerk, claire, others)
    assert listed(claire) == listed(claire, "/me/documents") == ["new"]
    assert problem(claire.get(f"/me/documents/{wanted}")) == (404, "not-found")


def test_a_record_that_went_to_another_account_is_shown_there_and_all_of_it_is_new(
    house, clerk, claire, record, handed
):
    handed.take(f"{record};course;1;;;;;;;", handed.document(record, "2"))
    claire.get("/me/portfolio")
    claire.get(f"/me/documents/{document_id(claire, '2')}")
    unlink(clerk, claire)
    right = house.holder()
    link(house, clerk, right, record)
    assert [item["new"] for item in right.get("/me/portfolio").json["items"]] == [True, True]
    assert problem(claire.get("/me/portfolio")) == (403, "not-linked-yet")


@pytest.mark.parametrize(("how", "refusal"), [("lock", AccountLocked), ("close", AccountClosed)])
def test_a_locked_or_closed_account_is_shown_nothing_not_even_by_a_request_under_way(
    house, clerk, claire, record, handed, how, refusal
):
    handed.take(handed.document(record, "1"))
    wanted = document_id(claire)
    reason = {"lock": "suspected-misuse", "close": "left-institution"}[how]
    assert clerk.post(f"/accounts/{claire.id}/{how}", {"reason": reason, "note": None}).status_code == 204
    assert claire.get("/me/portfolio").status_code == claire.get(f"/me/documents/{wanted}").status_code == 401
    portfolios = house.service.portfolios
    with pytest.raises(refusal):
        portfolios.document(claire.id, wanted)


# --- how a document leaves


@pytest.mark.parametrize("media_type", TYPES)
def test_a_document_leaves_whole_with_its_checksum_and_its_type(claire, record, handed, media_type):
    content, path = TYPES[media_type]
    handed.take(handed.document(record, "1", content, path=path))
    answer = claire.get(f"/me/documents/{document_id(claire)}")
    assert answer.status_code == 200
    assert answer.data == content
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={path}"


@pytest.mark.parametrize(
    ("path", "content", "disposition"),
    [
        ("A b.pdf", PDF, 'attachment; filename="A b.pdf"'),
        ("folder/deep/a.pdf", PDF, "attachment; filename=a.pdf"),
        ("Noémie.pdf", PDF, "attachment; filename=Noemie.pdf; filename*=UTF-8''No%C3%A9mie.pdf"),
        ("証明書.pdf", PDF, "attachment; filename=.pdf; filename*=UTF-8''%E8%A8%BC%E6%98%8E%E6%9B%B8.pdf"),
        ('a"b;c*d?.pdf', PDF, 'attachment; filename="ab;cd.pdf"'),
        ("page.html", b"<script>", "attachment; filename=page.html.txt"),
        ("setup.exe", PDF, "attachment; filename=setup.exe.pdf"),
        ("A.PDF", PDF, "attachment; filename=A.PDF"),
        ("..hidden.pdf", PDF, "attachment; filename=hidden.pdf"),
        ("gnp\u202efdp.txt", b"text", "attachment; filename=gnpfdp.txt"),
        ("contrat.docx", b"PK\3\4\0", "attachment; filename=contrat.docx"),
    ],
)
def test_the_name_of_a_download_is_safe(claire, record, handed, path, content, disposition):
    handed.put(path, content)
    cell = f'"{path.replace(chr(34), chr(34) * 2)}"'
    assert not handed.take(f"{record};document;1;;;;;;{cell};{sha256(content)}").refused
    answer = claire.get(f"/me/documents/{document_id(claire)}")
    assert answer.headers["Content-Disposition"] == disposition


def test_a_head_tells_all_but_the_document_and_is_not_seeing_it(claire, record, handed):
    handed.take(handed.document(record, "1"))
    path = f"/me/documents/{document_id(claire)}"
    told = head(claire, path)
    assert (told.status_code, told.data) == (200, b"")
    assert claire.get("/me/documents").json["items"][0]["new"]
    whole = claire.get(path)
    for name in (
        "Content-Length",
        "Content-Type",
        "Content-Disposition",
        "ETag",
        "Repr-Digest",
        "Cache-Control",
    ):
        assert told.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("tag", "status"),
    [("{0}", 304), ("W/{0}", 304), ('"x", {0}', 304), ("*", 304), ('"x"', 200), ("{1}", 200)],
)
def test_whoever_has_a_document_already_is_not_sent_it_again(claire, record, handed, tag, status):
    handed.take(handed.document(record, "1"))
    given = {"If-None-Match": tag.format(f'"{sha256(PDF)}"', f'"{sha256(b"")}"')}
    answer = claire.get(f"/me/documents/{document_id(claire)}", headers=given)
    assert answer.status_code == status
    assert answer.headers["ETag"] == f'"{sha256(PDF)}"'
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.data == (PDF if status == 200 else b"")


def test_a_document_that_changed_is_sent_again(claire, record, handed):
    handed.take(handed.document(record, "1"))
    path = f"/me/documents/{document_id(claire)}"
    tag = claire.get(path).headers["ETag"]
    handed.take(handed.document(record, "1", PDF + b"corrected"))
    assert claire.get(path, headers={"If-None-Match": tag}).data == PDF + b"corrected"


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"%PDF")])
def test_a_document_that_is_lost_or_not_whole_is_not_sent(house, claire, record, handed, damage):
    content = PDF + record.encode()
    handed.take(handed.document(record, "1", content))
    path = f"/me/documents/{document_id(claire)}"
    digest = sha256(content)
    damage(house.service.settings.documents_dir / digest[:2] / digest)
    answer = claire.get(path)
    assert problem(answer) == (503, "unavailable")
    assert "ETag" not in answer.headers
    assert claire.get("/me/documents").json["items"][0]["new"]


def test_another_frontend_reads_the_checksum_and_the_name(claire, record, handed):
    handed.take(handed.document(record, "1"))
    answer = claire.get(f"/me/documents/{document_id(claire)}", headers={"Origin": FRONTEND})
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Repr-Digest", "ETag", "Content-Disposition"} <= set(exposed)


# --- what is new


def test_what_has_no_file_is_new_until_a_list_has_shown_it(claire, record, handed):
    handed.take(f"{record};course;1;;registered;;;;;", f"{record};course;2;;;;;;;")

    def new() -> dict[str, bool]:
        return {item["number"]: item["new"] for item in claire.get("/me/portfolio").json["items"]}

    assert head(claire, "/me/portfolio").status_code == 200
    assert claire.get("/me/portfolio", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
    assert claire.get("/me/portfolio?limit=1").json["items"][0]["new"]
    assert new() == {"1": False, "2": True}
    assert new() == {"1": False, "2": False}
    handed.take(f"{record};course;1;;followed;;;;;", f"{record};course;2;;;;;;;", f"{record};course;3;;;;;;;")
    assert new() == {"1": True, "2": False, "3": True}


def test_what_has_a_file_is_new_until_it_was_fetched(claire, record, handed):
    handed.take(handed.document(record, "1"), handed.document(record, "2", path="b.pdf"))

    def new(path: str = "/me/documents") -> dict[str, bool]:
        return {item["number"]: item["new"] for item in claire.get(path).json["items"]}

    assert new() == new("/me/portfolio") == new() == {"1": True, "2": True}
    claire.get(f"/me/documents/{document_id(claire, '2')}")
    assert new() == new("/me/portfolio") == {"1": True, "2": False}


# --- what is held


def test_the_archive_tells_the_portfolio_and_says_nothing_of_it_without_a_link(
    house, clerk, claire, record, handed
):
    handed.take(f"{record};course;1;Albums;;;;;;", handed.document(record, "2"))

    def archived() -> object:
        position = {"Log-Position": house.position()}
        return claire.post("/me/export", {"password": claire.password}, headers=position).json["portfolio"]

    document, course = archived()
    assert (course["title"], course["new"]) == ("Albums", True)
    assert document["document"]["sha256"] == sha256(PDF)
    assert claire.get("/me/portfolio").json["items"][1]["new"]
    unlink(clerk, claire)
    assert archived() == []


def test_no_event_tells_what_holders_see_of_their_own(house, claire, record, handed):
    handed.take(handed.document(record, "1"))
    before = house.position()
    claire.get(f"/me/documents/{document_id(claire)}")
    opened = house.service.watermark.open
    assert opened(house.position()) == opened(before)


def test_the_document_says_how_a_file_is_answered():
    answers = openapi_document()["paths"][f"{PREFIX}/me/documents/{{document_id}}"]["get"]["responses"]
    assert set(answers["200"]["content"]) == set(TYPES)
    assert {"ETag", "Repr-Digest", "Content-Disposition"} <= set(answers["200"]["headers"])
    assert "304" in answers
    assert json.dumps(answers["403"]).count("not-linked-yet")
