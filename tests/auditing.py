"""What auditors ask of the log: pages and files of events."""

import json

from api_client import PREFIX, PUBLIC_URL, Client, House

from api.context import EXTENSION

CSV, JSON_LINES = "text/csv", "application/x-ndjson"
FORMULA = '=HYPERLINK("http://evil.example","x")'


def every_page(client: Client, limit: int = 200, **filters: object) -> list[dict]:
    items, cursor = [], None
    while True:
        asked = query(limit=limit, cursor=cursor, **filters)
        page = client.get(f"/audit/events{asked}", headers={"Log-Position": position(client)})
        assert page.status_code == 200, page.json
        assert len(page.json["items"]) <= limit
        items, cursor = items + page.json["items"], page.json["next_cursor"]
        if cursor is None:
            return without_reads(items)


def position(client: Client) -> str:
    """What was written up to now, so that a read waits until all see it."""
    return House(client.app.extensions[EXTENSION], client.app).position()


def query(**given: object) -> str:
    named = {name.rstrip("_"): value for name, value in given.items() if value is not None}
    return "?" + "&".join(f"{name}={value}" for name, value in named.items())


def downloaded(client: Client, form: str, **filters: object):
    answer = client.get(f"/audit/events{query(**filters)}", headers={"Accept": form})
    assert answer.status_code == 200, answer.json
    assert answer.get_data() is not None  # read to its end
    return answer


def begun(client: Client, form: str):
    """A file of which nothing was read yet."""
    answer = client.browser.get(
        f"{PREFIX}/audit/events", base_url=PUBLIC_URL, headers={"Accept": form}, buffered=False
    )
    assert answer.status_code == 200
    return answer


def lines(answer) -> list[dict]:
    return [json.loads(line) for line in answer.get_data().splitlines()]


def without_reads(items: list[dict]) -> list[dict]:
    """That it is listed is an event, too."""
    return [each for each in items if each["type"] != "access.read"]
