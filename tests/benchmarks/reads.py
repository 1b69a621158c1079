"""What it adds to `GET /accounts/<id>` that the read is noted, on disk before the answer leaves."""

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from api_client import HOST, PREFIX, PROFILE, PUBLIC_URL, Client, House, running
from figures import Figure, at_most, percentile
from flask import Flask
from servers import migrated_database

from api.app import create_app
from api.identity import COOKIE

READS = 1500


class Unnoted:
    """In the place of what notes reads."""

    def note_read(self, *_: object, **__: object) -> None:
        pass


def measure(server: str) -> list[Figure]:
    with (
        migrated_database(server) as database,
        TemporaryDirectory() as home,
        running(database, Path(home)) as house,
    ):
        clerk, path = house.staff("secretariat", "clerk@example.org"), _sheet(house)
        unnoted = create_app(replace(house.service, accesses=Unnoted()))
        noted, bare = (1000 * percentile(taken, 0.5) for taken in _in_turns(clerk, path, house.app, unnoted))
    return [
        Figure("recording a read adds, p50", noted - bare, "ms", at_most(2)),
        Figure("  GET /accounts/<id>, p50", noted, "ms", floors={"not recorded": bare}),
    ]


def _sheet(house: House) -> str:
    holder = house.holder()
    holder.put("/me/profile", PROFILE)
    return f"{PREFIX}/accounts/{holder.id}"


def _in_turns(clerk: Client, path: str, *apps: Flask) -> list[list[float]]:
    """Seconds of each answer, asked one after the other in this process, where the projections run as well."""
    browsers = [app.test_client() for app in apps]
    for browser in browsers:
        browser.set_cookie(COOKIE, clerk.secret or "", domain=HOST)
    taken: list[list[float]] = [[] for _ in apps]
    for _ in range(READS):
        for browser, seconds in zip(browsers, taken, strict=True):
            began = time.perf_counter()
            answer = browser.get(path, base_url=PUBLIC_URL)
            seconds.append(time.perf_counter() - began)
            if answer.status_code != 200:
                raise RuntimeError(f"answer: {answer.status_code}")
    return taken
