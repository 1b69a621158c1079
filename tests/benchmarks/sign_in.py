"""`POST /session`, against the bare password hash with the same parameters on as many cores."""

import json
import os
import threading
import time
from functools import partial

import web
from argon2 import Type
from argon2.low_level import hash_secret
from figures import Figure, at_least, at_most, interleaved, percentile
from signed_in import Person, a_running_service, people

from infrastructure.password_hash import COSTS, HASH_BYTES, SALT_BYTES

ROUNDS = 3
SECONDS = 5.0
CLIENTS = 16
LOAD = 0.8  # of the bare rate: where all clients ask without a pause, what they wait for is each other


def measure(server: str) -> list[Figure]:
    with a_running_service(server) as house:
        wanted = [_request(person) for person in people(house, CLIENTS)]
        contenders = {"ours": partial(_sign_ins, house.port, wanted), "bare argon2id": _hashes}
        rates = interleaved(contenders, ROUNDS)
        bare = rates["bare argon2id"]
        paced = web.ask(house.port, wanted, seconds=12, a_second=LOAD * bare, clients=CLIENTS)
        paced.rate(201)
    floors = {"bare argon2id": bare}
    hash_seconds = (os.cpu_count() or 1) / bare
    late = percentile(paced.seconds, 0.95) / hash_seconds
    return [
        Figure(f"sign-in, {CLIENTS} clients", rates["ours"], "/s", at_least(0.9, of="bare argon2id"), floors),
        Figure(f"sign-in at {LOAD:.0%} of the bare rate, p95", late, "hash times", at_most(4)),
    ]


def _request(person: Person) -> bytes:
    body = json.dumps({"email": person.email, "password": person.password}).encode()
    return web.request("POST", "/api/v1/session", body, Content_Type="application/json")


def _sign_ins(port: int, requests: list[bytes]) -> float:
    return web.ask(port, requests, seconds=SECONDS, clients=CLIENTS).rate(201)


def _hashes() -> float:
    """Hashes a second, by one thread a core of this process: the library lets go of the interpreter meanwhile."""
    end = time.perf_counter() + SECONDS
    made = [0] * (os.cpu_count() or 1)

    def work(place: int) -> None:
        while time.perf_counter() < end:
            hash_secret(b"password", os.urandom(SALT_BYTES), *COSTS, HASH_BYTES, Type.ID)
            made[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(made))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(made) / SECONDS
