"""`POST /accounts`, each with an address of its own, while the same process decides on them and mails passwords."""

import json
import time

import web
from figures import Figure, at_least
from running_service import SIGN_UP, RunningService
from signed_in import a_running_service

SECONDS = 8.0
PATIENCE = 60.0  # s; how long decisions may take afterwards
MOST = 20_000


def measure(server: str) -> list[Figure]:
    with a_running_service(server) as house:
        before = time.perf_counter()
        asked = web.ask(house.port, [_request(number) for number in range(MOST)], seconds=SECONDS).rate(202)
        decided = _all_decided(house, before)
        mailed = len(list((house.home / "outbox").glob("*.eml"))) / (time.perf_counter() - before)
    return [
        Figure("sign-up asked", asked, "/s", at_least(200)),
        Figure("  sign-up decided", decided, "/s"),
        Figure("  initial passwords mailed meanwhile", mailed, "/s"),
    ]


def _request(number: int) -> bytes:
    body = json.dumps({**SIGN_UP, "email": f"person.{number:05}@example.org"}).encode()
    return web.request("POST", "/api/v1/accounts", body, Content_Type="application/json")


def _all_decided(house: RunningService, since: float) -> float:
    """Accounts a second, made until none is waiting."""
    while house.rows("SELECT EXISTS (SELECT FROM intake)")[0][0]:
        if time.perf_counter() - since > PATIENCE:
            break
        time.sleep(0.1)
    took = time.perf_counter() - since
    ((made,),) = house.rows("SELECT count(*) FROM events WHERE topic = 'account.requested'")
    return made / took
