"""The secretariat asks back: over JSON and on the holder's pages."""

import pytest
from api_client import PROFILE, Client, running
from mailing import delivered, text_of
from page_visitor import Visitor
from services import new_database

TEXT = "Which name did you bear in 2004?\nAnd <b>where</b>?"
CASES = "b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e"
QUESTION_PAGE = "/my-data/question"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "marc@school.example")


@pytest.fixture(scope="module")
def other_clerk(house) -> Client:
    return house.staff("secretariat", "anna@school.example")


@pytest.fixture
def holder(house) -> Client:
    holder = house.holder()
    holder.put("/me/profile", {**PROFILE, "ahv_number": None})
    return holder


@pytest.fixture
def case(house, clerk, other_clerk, holder) -> str:
    """The path of the holder's case."""
    clerk.headers["Log-Position"] = other_clerk.headers["Log-Position"] = house.match(holder.id)
    items = clerk.get("/cases?limit=200").json["items"]
    return next(f"/cases/{item['id']}" for item in items if item["account"]["id"] == str(holder.id))


def listed(clerk: Client, case: str, position: str) -> dict:
    items = clerk.get("/cases?limit=200", headers={"Log-Position": position}).json["items"]
    return next(item for item in items if case.endswith(item["id"]))


def test_a_question_and_its_answer_go_back_and_forth(house, clerk, other_clerk, holder, case):
    asked = clerk.post(f"{case}/question", {"text": TEXT})
    assert (asked.status_code, asked.json["state"]) == (200, "asked")
    assert listed(clerk, case, asked.headers["Log-Position"])["state"] == "asked"
    again = other_clerk.post(f"{case}/question", {"text": "What?"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/already-asked")
    assert (again.json["by"], again.json["at"]) == (
        "marc@school.example",
        asked.json["questions"][0]["asked_at"],
    )

    mine = holder.get("/me/case").json
    assert (mine["state"], mine["question"]["text"]) == ("asked", TEXT)
    for bad in ({}, {"text": ""}, {"text": "x" * 2001}, {"text": "a\0b"}, {"text": 1}):
        wrong = holder.post("/me/case/answer", bad)
        assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["text"])
        wrong = clerk.post(f"{case}/question", bad)
        assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["text"])

    key = {"Idempotency-Key": "answer-1"}
    answered = holder.post("/me/case/answer", {"text": "Jeanneret.\r\nIn Moutier."}, headers=key)
    assert (answered.status_code, answered.json["state"], answered.json["question"]) == (200, "open", None)
    assert (
        holder.post("/me/case/answer", {"text": "Jeanneret.\r\nIn Moutier."}, headers=key).json
        == answered.json
    )
    late = holder.post("/me/case/answer", {"text": "And again."})
    assert (late.status_code, late.json["type"]) == (409, "/problems/nothing-asked")
    (question,) = clerk.get(case).json["questions"]
    assert (question["text"], question["answer"]) == (TEXT, "Jeanneret.\nIn Moutier.")

    told = {item["type"]: item for item in holder.get("/me/history").json["items"]}
    assert {"field": "text", "old": None, "new": TEXT} in told["case.question-asked"]["changes"]
    assert told["case.question-answered"]["by"] == "the account holder"


def test_a_holder_without_a_case_is_asked_nothing(house):
    mine = house.holder().get("/me/case")
    assert (mine.status_code, set(mine.json.values())) == (200, {None})


def test_who_takes_a_case_is_shown_and_whoever_wants_it_too_is_told(clerk, other_clerk, case):
    taken = clerk.post(f"{case}/take", {})
    assert (taken.status_code, taken.json["taken_by"]) == (200, "marc@school.example")
    assert listed(clerk, case, taken.headers["Log-Position"])["taken_by"] == "marc@school.example"
    refused = other_clerk.post(f"{case}/take", {})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/already-taken")
    assert (refused.json["by"], refused.json["at"]) == ("marc@school.example", taken.json["taken_at"])
    over = other_clerk.post(f"{case}/take", {"instead_of": refused.json["instead_of"]})
    assert (over.status_code, over.json["taken_by"]) == (200, "anna@school.example")
    account = taken.json["account"]["id"]
    position = {"Log-Position": over.headers["Log-Position"]}
    events = clerk.get(f"/accounts/{account}/timeline", headers=position).json["items"]
    assert events[-1]["changes"] == [{"field": "instead_of", "old": None, "new": "marc@school.example"}]
    decided = clerk.post(f"{case}/reject", {"reason": "no-record"})
    assert decided.json["taken_by"] is None
    for deed, body in (("take", {}), ("question", {"text": "What?"})):
        late = other_clerk.post(f"{case}/{deed}", body)
        assert (late.status_code, late.json["type"]) == (409, "/problems/already-decided")


def test_only_the_secretariat_does_it_and_never_on_its_own_case(house, clerk, holder, case):
    auditor = house.staff("auditor", "auditor@canton.example")
    bodies = {"take": {}, "question": {"text": "What?"}}
    for who, status in ((house.client(), 401), (holder, 403), (auditor, 403)):
        answers = [who.post(f"{case}/{deed}", body) for deed, body in bodies.items()]
        assert [each.status_code for each in answers] == [status] * 2
    assert house.client().get("/me/case").status_code == 401
    assert house.client().post("/me/case/answer", {"text": "I"}).status_code == 401
    answers = [clerk.post(f"/cases/{CASES}/{deed}", body) for deed, body in bodies.items()]
    assert [each.status_code for each in answers] == [404] * 2
    assert clerk.post(f"{case}/take", {}, headers={"If-Match": '"99"'}).status_code == 412
    clerk.put("/me/profile", {**PROFILE, "ahv_number": None})
    clerk.headers["Log-Position"] = house.match(clerk.id)
    own = next(
        item["id"]
        for item in clerk.get("/cases?limit=200").json["items"]
        if item["account"]["id"] == str(clerk.id)
    )
    answers = [clerk.post(f"/cases/{own}/{deed}", body) for deed, body in bodies.items()]
    assert [each.json["type"] for each in answers] == ["/problems/own-case"] * 2


# --- on pages


def test_the_pages_lead_to_the_question_and_take_the_answer(house, clerk, holder, case):
    reader = Visitor(house).with_session_of(holder)
    assert reader.open(QUESTION_PAGE).path == "/my-data"
    asked = clerk.post(f"{case}/question", {"text": TEXT})
    house.service.watermark.wait(
        ("cases", "directory"), house.service.watermark.open(asked.headers["Log-Position"])
    )
    (mail,) = [each for each in delivered(house) if each["To"] == holder.email]
    assert mail["X-Matricule-Kind"] == "question"
    assert "/my-data\n" in text_of(mail)
    assert "2004" not in mail.as_string()
    welcome = reader.open("/welcome")
    assert "Notre secrétariat vous pose une question" in welcome.words
    assert f'href="{QUESTION_PAGE}"' in welcome.html
    shown = reader.open("/my-data")
    assert 'data-standing="asked"' in shown.html
    assert "And &lt;b&gt;where&lt;/b&gt;?" in shown.html
    form = reader.open(QUESTION_PAGE)
    assert (form.status_code, "Which name did you bear in 2004?" in form.words) == (200, True)
    empty = reader.submit(QUESTION_PAGE, {"text": " "}, on=form)
    assert (empty.status_code, empty.faults) == (422, {"text": "Écrivez votre réponse."})
    sent = reader.submit(QUESTION_PAGE, {"text": "Jeanneret.\r\n" * 150 + "x" * 350}, on=form)
    assert (sent.path, "Votre réponse est envoyée" in sent.words) == ("/my-data", True)
    assert 'data-standing="waiting"' in sent.html
    twice = reader.submit(QUESTION_PAGE, {"text": "Jeanneret."}, on=form)
    assert (twice.path, "Aucune question n'attend de réponse" in twice.words) == ("/my-data", True)
    happened = [item["type"] for item in holder.get("/me/history").json["items"]]
    assert happened.count("case.question-answered") == 1
    assert "Notre secrétariat vous pose" not in reader.open("/welcome").words
