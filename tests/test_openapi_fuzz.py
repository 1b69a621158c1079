"""Whatever anybody asks, the answer is one that the OpenAPI document foresees.

schemathesis makes the requests up from the document, such as agree with it and such as do not, always the same ones.
They go to the whole application, with ids and passwords of people who exist among what is made up.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import schemathesis
from api_client import COOKIE, HOST, PREFIX, PROFILE, PUBLIC_URL, Client, House, running
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from running_service import TIRELESS
from schemathesis import APIOperation, Case, CheckContext, Config, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from services import new_database

from api.documentation import openapi_document

OPERATIONS: Final = {
    operation["operationId"]: (method, path)
    for path, methods in openapi_document()["paths"].items()
    for method, operation in methods.items()
    if method != "parameters"
}
FEW, MANY, FILTERS, STEPS = 2, 3, 6, 4
SAME_AGAIN: Final = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # what was asked before may be why: there is nothing to shrink
    suppress_health_check=list(HealthCheck),
)
CONFIG: Final = {"seed": 1, "generation": {"with-security-parameters": False}}  # who asks, is said here
QUERY: Final = {"canton": "JU", "created_from": "2025-09-01", "created_to": "2099-12-31"}
RECORDS: Final = "record_number;ahv_number;family_name;given_name;birth_name;birth_date;email\n" + "".join(
    f"R-{number};;Rossel;Claire;Jeanneret;1980-12-31;nobody@other.example\n" for number in range(1000)
)


def problem_of(response: Response) -> str:
    return response.json()["type"].removeprefix("/problems/") if response.status_code >= 400 else ""


def named_problem(ctx: CheckContext, response: Response, case: Case) -> None:
    """Of the several problems that may have a status, the document names this one."""
    described = case.operation.definition.raw["responses"].get(str(response.status_code))
    if response.status_code >= 400 and described:
        (content,) = described["content"].values()
        assert problem_of(response) in content["examples"]


def nothing_broken(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """503 is no fault: what was asked for is there soon."""
    return None if response.status_code == 503 else not_a_server_error(ctx, response, case)


def refused(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """What disagrees with the document. A filter left empty, as forms send it, does not, nor does any file."""
    exempt = "" in case.query.values() or case.media_type == "multipart/form-data"
    return None if exempt else negative_data_rejection(ctx, response, case)


CHECKS: Final = [
    nothing_broken,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    named_problem,
    refused,
]


Pass = tuple[Client, dict[str, str], dict[str, str]]  # who, and what they show: headers, cookies
Ids = dict[str, list[str]]  # of what exists, by the name of the parameter


class Caller:
    """Somebody who asks. come: how they get in; whoever was let out by what they asked comes in anew."""

    def __init__(self, house: House, come: Callable[[House], Pass]) -> None:
        self.house, self.come = house, come
        self.renew()

    def renew(self) -> None:
        self.client, self.headers, self.cookies = self.come(self.house)
        self.standing = self.stands()
        assert self.standing[0] == (401 if self.come is nobody else 200)

    def stands(self) -> tuple[int, str | None]:
        """Whether they are signed in, and how."""
        answer = self.browser().get(f"{PREFIX}/session", base_url=PUBLIC_URL, headers=self.headers)
        return answer.status_code, answer.json.get("second_factor")

    def browser(self) -> FlaskClient:
        browser = self.house.app.test_client()
        for name, value in self.cookies.items():
            browser.set_cookie(name, value, domain=HOST)
        return browser

    def ask(self, case: Case) -> Response:
        response = case.call(base_url=PUBLIC_URL, session=self.browser(), headers=self.headers)
        case.validate_response(response, CHECKS, headers=self.headers)
        if self.come is not nobody:
            assert problem_of(response) != "not-signed-in"
        changed = case.method != "GET" and response.status_code < 300
        if changed and (case.path.endswith("/password") or self.stands() != self.standing):
            self.renew()
        return response


def nobody(house: House) -> Pass:
    """Not signed in, with the address and password of somebody."""
    return house.holder().again(), {}, {}


def holder_by_token(house: House) -> Pass:
    client = house.holder()
    code, *_ = client.enrol(house.service.clock.now())
    token = client.again().post("/tokens", {**client.pair, "code": code}).json["token"]
    return client, {"Authorization": f"Bearer {token}"}, {}


def holder_by_cookie(house: House) -> Pass:
    client = house.holder()
    code, *_ = client.enrol(house.service.clock.now())
    client.put("/me/profile", {**PROFILE, "ahv_number": None})
    client.again().post("/session", {**client.pair, "code": code})
    return by_cookie(client)


def clerk(house: House) -> Pass:
    return by_cookie(house.staff("secretariat", f"clerk-{next(house.numbers)}@school.example"))


def auditor(house: House) -> Pass:
    return by_cookie(house.staff("auditor", f"auditor-{next(house.numbers)}@canton.example"))


def by_cookie(client: Client) -> Pass:
    return client, {"X-CSRF-Token": client.headers["X-CSRF-Token"]}, {COOKIE: client.secret}


CALLERS: Final = (nobody, holder_by_token, holder_by_cookie, clerk, auditor)
STAFF: Final = {"Secretariat": clerk, "Auditors": auditor}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home, **TIRELESS) as house:
        (home / "records.csv").write_text(RECORDS)
        house.service.records.import_file(home / "records.csv", today=house.service.clock.now().date())
        yield house


@pytest.fixture(scope="module")
def schema(house):
    return schemathesis.openapi.from_wsgi(
        f"{PREFIX}/openapi.json", house.app, config=Config.from_dict(CONFIG), base_url=PUBLIC_URL
    )


@pytest.fixture(scope="module", params=CALLERS, ids=lambda come: come.__name__)
def caller(request, house) -> Caller:
    return Caller(house, request.param)


@pytest.fixture(scope="module")
def colleague(house) -> Client:
    return house.staff("secretariat", "anna@school.example")


@pytest.fixture(scope="module")
def there(house, colleague) -> Ids:
    return newly_there(house, colleague)


def newly_there(house: House, colleague: Client) -> Ids:
    """An account with an open case, an app and a proposed recovery, and one that is linked."""
    waiting, linked = with_a_case(house), with_a_case(house)
    waiting.enrol(house.service.clock.now())
    cases = [str(house.service.cases.undecided_of(holder.id)) for holder in (waiting, linked)]
    record = f"R-{next(house.numbers)}"
    decision = {"record_number": record, "reason": "identity-checked", "note": None}
    colleague.post(f"/cases/{cases[1]}/link", decision)
    proposal = {"email": f"new-{record}@school.example", "reason": "mailbox-lost", "note": None}
    recovery = colleague.post(f"/accounts/{waiting.id}/recovery", proposal).json
    return {
        "account_id": [str(waiting.id), str(linked.id)],
        "case_id": cases,
        "recovery_id": [recovery["id"]],
    }


def with_a_case(house: House) -> Client:
    holder = house.holder()
    holder.put("/me/profile", {**PROFILE, "ahv_number": None})
    position = house.service.watermark.open(house.match(holder.id))
    house.service.watermark.wait(("directory", "cases"), position)
    return holder


def with_own(there: Ids, caller: Caller) -> Ids:
    own = {"session_id": "/me/sessions", "factor_id": "/me/second-factors"}
    found = {name: caller.client.get(path).json.get("items", []) for name, path in own.items()}
    return {**there, **{name: [item["id"] for item in items] for name, items in found.items()}}


def known(caller: Caller, operation: APIOperation) -> dict[str, Any]:
    """Members of its body that nobody makes up."""
    described = operation.definition.raw.get("requestBody", {}).get("content", {})
    members = {name: value for content in described.values() for name, value in content["example"].items()}
    client, number = caller.client, next(caller.house.numbers)
    own = {
        "email": client.email if "password" in members else f"new-{number}@school.example",
        "password": client.password,
        "current_password": client.password,
        "record_number": f"R-{number}",
    }
    return {name: own.get(name, value) for name, value in members.items()}


@st.composite
def requests(draw: Any, caller: Caller, operation: APIOperation, ids: Ids) -> Case:
    mode = draw(st.sampled_from(GenerationMode)) if is_asked_something(operation) else GenerationMode.POSITIVE
    case = draw(operation.as_strategy(generation_mode=mode))
    mostly = st.integers(0, 3).map(lambda number: number < 3)
    for name in case.path_parameters:
        if ids.get(name) and draw(mostly):
            case.path_parameters[name] = draw(st.sampled_from(ids[name]))
    if mode is GenerationMode.POSITIVE:
        if draw(mostly):  # a made-up `Log-Position` is refused before anything else
            case.headers.clear()
        if draw(mostly):
            case.query.pop("cursor", None)
        case.query |= {name: value for name, value in QUERY.items() if name in case.query and draw(mostly)}
        if isinstance(case.body, dict):
            case.body |= {
                name: value
                for name, value in known(caller, operation).items()
                if name in case.body and draw(mostly)
            }
    return case


def is_asked_something(operation: APIOperation) -> bool:
    return bool(operation.path_parameters or operation.query or operation.body)


def is_for(operation: APIOperation, caller: Caller) -> bool:
    staff = {come for tag, come in STAFF.items() if tag in operation.tags}
    if staff and operation.definition.raw["security"]:
        return caller.come in staff
    return caller.come is not nobody or not operation.definition.raw["security"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_foreseen(schema, house, colleague, caller, there, name):
    method, path = OPERATIONS[name]
    operation = schema[path][method]
    through = is_for(operation, caller)
    if through and "Secretariat" in operation.tags and method != "get":
        there = newly_there(house, colleague)
    ids = with_own(there, caller)
    examples = FEW if through and caller.come is not auditor else 1  # who elsewhere is like any clerk
    if through and is_asked_something(operation) and caller.come is not holder_by_token:  # as by cookie
        examples = FILTERS if operation.query else MANY

    @settings(SAME_AGAIN, max_examples=examples)
    @given(requests(caller, operation, ids))
    def ask(case: Case) -> None:
        caller.ask(case)

    ask()


def test_every_answer_to_what_somebody_asks_after_another_is_foreseen(
    schema, house, colleague, caller, there
):
    """By the ids of answers: what a link, a lock, a removed factor or an ended session does to what is asked next."""
    caller.renew()  # in a session in which nothing was asked
    if caller.come is clerk:
        for _ in range(STEPS):
            newly_there(house, colleague)
    own = schema.include(lambda context: is_hers(context.operation, caller))
    in_any_order(own, caller, there)
    if caller.come is not nobody:  # what nobody is answered leads nowhere: it is told by mail
        by_links(own, caller)


def is_hers(operation: APIOperation, caller: Caller) -> bool:
    """What staff does, and what everybody else does at the doors and to themselves."""
    tags = {tag for tag, come in STAFF.items() if come is caller.come} or {"Holders", "Frontends"}
    return is_for(operation, caller) and bool(tags & set(operation.tags))


def by_links(own: BaseSchema, caller: Caller) -> None:
    class Following(own.as_state_machine()):
        def before_call(self, case: Case) -> None:
            if case.meta.generation.mode is GenerationMode.POSITIVE:
                case.headers.clear()
                case.query.clear()
                if isinstance(case.body, dict):
                    case.body.pop("passkey", None)  # the password is known
                    case.body |= known(caller, case.operation)

        def call(self, case: Case, **_options: Any) -> Response:
            return caller.ask(case)

        def validate_response(self, *_args: Any, **_options: Any) -> None:
            """The caller has done so."""

    Following.run(settings=settings(SAME_AGAIN, max_examples=STEPS, stateful_step_count=STEPS))


def in_any_order(own: BaseSchema, caller: Caller, there: Ids) -> None:
    operations = [found.ok() for found in own.get_all_operations()]

    @settings(SAME_AGAIN, max_examples=STEPS)
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        for _ in range(STEPS):
            operation, ids = data.draw(st.sampled_from(operations)), with_own(there, caller)
            caller.ask(data.draw(requests(caller, operation, ids)))

    ask()
