"""`GET /me`, signed in, against the running service."""

from functools import partial

import web
from figures import Figure, at_least, at_most, interleaved, percentile
from signed_in import a_running_service, people

ROUNDS = 4
A_SECOND = 400
SESSIONS = 300
MORE_SESSIONS = """
    INSERT INTO sessions (digest, account_id, kind, initial_password, created_at, last_seen_at, expires_at)
    SELECT uuid_send(gen_random_uuid()), account_id, 'bearer', false, now(), now(), now() + interval '12 hours'
    FROM (SELECT DISTINCT account_id FROM sessions) AS somebody, generate_series(1, %s)
"""


def measure(server: str) -> list[Figure]:
    with a_running_service(server) as house, web.empty_view() as empty:
        wanted = [
            web.request("GET", "/api/v1/me", Authorization=f"Bearer {person.token}")
            for person in people(house, web.CLIENTS)
        ]
        contenders = {
            "ours": partial(_rate, house.port, wanted),
            "empty view": partial(_rate, empty, [web.request("GET", "/")]),
        }
        rates = interleaved(contenders, ROUNDS)
        few = _rate(house.port, wanted)
        house.rows(MORE_SESSIONS, SESSIONS)
        many = _rate(house.port, wanted)
        listed = [request.replace(b" /api/v1/me ", b" /api/v1/me/sessions ") for request in wanted]
        lists = web.ask(house.port, listed, seconds=3, a_second=20)
        lists.rate(200)
        paced = web.ask(house.port, wanted, seconds=12, a_second=A_SECOND)
        paced.rate(200)
    floors = {"empty view": rates["empty view"]}
    return [
        Figure("GET /me, closed loop", rates["ours"], "/s", at_least(0.4, of="empty view"), floors),
        Figure(f"GET /me at {A_SECOND}/s, p99", 1000 * percentile(paced.seconds, 0.99), "ms", at_most(20)),
        Figure(f"GET /me, {SESSIONS} sessions each", many, "/s", at_least(0.9, of="few"), {"few": few}),
        Figure(f"  GET /me/sessions, {SESSIONS} of them, p50", 1000 * percentile(lists.seconds, 0.5), "ms"),
        Figure(f"  GET /me at {A_SECOND}/s, p50", 1000 * percentile(paced.seconds, 0.5), "ms"),
    ]


def _rate(port: int, requests: list[bytes]) -> float:
    return web.ask(port, requests, seconds=3).rate(200)
