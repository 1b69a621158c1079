"""Whether an address has an account cannot be learnt at the public doors: not from an answer, not from its time."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from statistics import median
from time import perf_counter

import pytest
from running_service import TIRELESS, Answer, RunningService, a_service, password_in

ADA, BEN = "ada@school.example", "ben@school.example"
NEW_PASSWORD = "sept ponts au bord du Doubs"


@pytest.fixture
def service(database_url) -> Iterator[RunningService]:
    with a_service(DATABASE_URL=database_url, MATRICULE_LOG_LEVEL="WARNING", **TIRELESS) as service:
        service.run()
        yield service


def shown(answer: Answer) -> tuple:
    """All of an answer but its moment."""
    return answer.status, frozenset(pair for pair in answer.headers if pair[0] != "Date"), answer.body


def hold_alike(
    doors: Mapping[str, Callable[[], Answer]],
    *,
    tries: int,
    rounds: int,
    typical: Callable[[list[float]], float],
    near: float,
) -> None:
    """All answers are the same, and their times within a part `near` or 1 ms of each other.

    Doors are tried in turn, forwards and backwards, so that none has the better place. Where the machine is busy with
    other things, further rounds are added before it counts. typical: of all times of one door, in seconds.
    """
    taken: dict[str, list[float]] = {name: [] for name in doors}
    answers = set()
    for _ in range(rounds):
        for number in range(tries):
            for name in list(doors)[:: 1 if number % 2 else -1]:
                begun = perf_counter()
                answer = doors[name]()
                taken[name].append(perf_counter() - begun)
                answers.add(shown(answer))
        assert len(answers) == 1, answers
        found = {name: typical(seconds) for name, seconds in taken.items()}
        least, most = min(found.values()), max(found.values())
        if most - least <= max(0.001, near * least):
            return
    raise AssertionError(found)


def test_asking_for_an_account_is_answered_alike_for_a_known_and_an_unknown_address(service):
    service.sign_up(ADA)
    service.wait_for_mail(ADA)
    fresh = (f"nobody-{number}@school.example" for number in count())
    doors = {"known": lambda: service.sign_up(ADA), "unknown": lambda: service.sign_up(next(fresh))}
    hold_alike(doors, tries=200, rounds=6, typical=median, near=0.05)


def test_asking_for_a_new_password_is_answered_alike_for_a_known_and_an_unknown_address(service):
    service.sign_up(ADA)
    service.wait_for_mail(ADA)
    fresh = (f"nobody-{number}@school.example" for number in count())
    ask = partial(service.ask, "POST", "/api/v1/password-resets")
    doors = {"known": lambda: ask({"email": ADA}), "unknown": lambda: ask({"email": next(fresh)})}
    hold_alike(doors, tries=200, rounds=6, typical=median, near=0.05)


@pytest.mark.parametrize("door", ["/api/v1/tokens", "/api/v1/session"])
def test_whatever_is_wrong_with_a_sign_in_it_is_answered_alike_after_one_hash(service, door):
    for email in (ADA, BEN):
        service.sign_up(email)
    initial = password_in(service.wait_for_mail(ADA))
    service.wait_for_mail(BEN)
    token = service.sign_in(ADA, initial).json["token"]
    change = {"current_password": initial, "new_password": NEW_PASSWORD}
    changed = service.ask("PUT", "/api/v1/me/password", change, Authorization=f"Bearer {token}")
    assert changed.status == 204
    pairs = {
        "unknown address": ("nobody@school.example", initial),
        "wrong password": (ADA, "a wrong password"),
        "dead initial password": (ADA, initial),
        "wrong initial password": (BEN, initial),
    }
    doors = {name: partial(tried, service, door, *pair) for name, pair in pairs.items()}
    # The quickest of all: what delays a long piece of arithmetic comes from elsewhere.
    hold_alike(doors, tries=4, rounds=24, typical=min, near=0.1)


def tried(service: RunningService, door: str, email: str, password: str) -> Answer:
    return service.ask("POST", door, {"email": email, "password": password})
