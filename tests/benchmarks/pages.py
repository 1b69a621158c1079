"""The pages as browsers load them: bytes over the wire, the server's time, the largest paint on a slow phone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import web
from browsing import PHONE, Portal, follow, running_chromium, sign_in
from figures import Figure, at_most, percentile
from playwright.sync_api import BrowserContext, CDPSession, Page
from sample_people import fill_in, somebody
from services import install_what_is_missing
from signed_in import a_running_service

FOR_ALL = (
    "/",
    "/sign-up",
    "/sign-up/sent",
    "/lost-password",
    "/lost-password/sent",
    "/password-reset/done",
    "/privacy",
    "/help",
    "/accessibility",
    "/problems/not-found",
    "/nowhere",
)
FOR_HOLDERS = (
    "/welcome",
    "/my-data",
    "/my-data/edit",
    "/portfolio",
    "/profile",
    "/profile/password",
    "/profile/email",
    "/profile/language",
    "/profile/sessions",
    "/profile/second-factors",
    "/profile/second-factors/app",
    "/profile/second-factors/passkey",
    "/profile/history",
    "/profile/data",
    "/profile/closure",
)
A_SECOND = 100
CPU_SLOWDOWN = 4
# Lighthouse's slow 4G: 150 ms there and back, 1.6 Mbit/s down, 0.75 up.
SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_638_400 / 8,
    "uploadThroughput": 768_000 / 8,
}
ROUNDS = 3
LARGEST_PAINT = """() => new Promise((done) =>
  new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
    .observe({type: "largest-contentful-paint", buffered: true}))"""

Visits = Callable[[], Iterator[BrowserContext]]


def measure(server: str) -> list[Figure]:
    install_what_is_missing({"chromium"})
    with a_running_service(server) as house, running_chromium() as chromium:
        portal = Portal(house, chromium)
        session = _session_of_somebody_linked(portal)
        first, after = _weights(portal, session)
        paints = _paints(portal, session)
        paced = web.ask(house.port, _requests(session), seconds=12, a_second=A_SECOND)
        _judge(paced)
    return [
        _of_the_worst("bytes on the first visit", first, 0.001, "kB", 80),
        _of_the_worst("bytes on the next visit", after, 0.001, "kB", 12),
        Figure(f"a page at {A_SECOND}/s, p99", 1000 * percentile(paced.seconds, 0.99), "ms", at_most(25)),
        Figure(f"  a page at {A_SECOND}/s, p50", 1000 * percentile(paced.seconds, 0.5), "ms"),
        _of_the_worst("largest paint, slow phone", paints, 0.001, "s", 1),
    ]


def _of_the_worst(name: str, found: dict[str, float], scale: float, unit: str, bound: float) -> Figure:
    worst = max(found, key=found.get)
    return Figure(f"{name}, worst of {len(found)} ({worst})", scale * found[worst], unit, at_most(bound))


def _session_of_somebody_linked(portal: Portal) -> dict[str, str]:
    """The cookie of a holder with a portfolio, as Playwright takes it."""
    record = somebody(0)
    with portal.visitor(**PHONE) as page:
        sign_in(page, record["email"], portal.account(record["email"]))
        page.goto("/my-data/edit")
        fill_in(page, record)
        follow(page, "text=Continuer")
        follow(page, "text=Enregistrer")
        page.wait_for_selector("[data-standing=linked]")
        (cookie,) = (each for each in page.context.cookies() if each["name"] == "matricule_session")
    return {"name": cookie["name"], "value": cookie["value"], "url": portal.address}


@contextmanager
def _visit(portal: Portal, session: dict[str, str], path: str) -> Iterator[Page]:
    """A browser with nothing in it, but for holders the session."""
    with portal.visitor(**PHONE) as page:
        if path in FOR_HOLDERS:
            page.context.add_cookies([session])
        yield page


def _weights(portal: Portal, session: dict[str, str]) -> tuple[dict[str, int], dict[str, int]]:
    """By path: all bytes that came, heads included, on the first visit and on the next."""
    first, after = {}, {}
    for path in FOR_ALL + FOR_HOLDERS:
        with _visit(portal, session, path) as page:
            weigh = _scales(page.context.new_cdp_session(page))
            page.goto(path, wait_until="networkidle")
            first[path] = weigh()
            page.goto("about:blank")
            page.goto(path, wait_until="networkidle")
            after[path] = weigh()
    return first, after


def _scales(devtools: CDPSession) -> Callable[[], int]:
    """Tells how many bytes have come since it was asked last."""
    sizes: list[int] = []
    devtools.send("Network.enable")
    devtools.on("Network.loadingFinished", lambda ended: sizes.append(ended["encodedDataLength"]))
    devtools.on(
        "Network.requestWillBeSent",
        lambda sent: sizes.append(sent.get("redirectResponse", {}).get("encodedDataLength", 0)),
    )

    def weigh() -> int:
        total = round(sum(sizes))
        sizes.clear()
        return total

    return weigh


def _paints(portal: Portal, session: dict[str, str]) -> dict[str, float]:
    """By path: ms until the largest paint of a first visit, the median of some."""
    return {
        path: percentile([_paint(portal, session, path) for _ in range(ROUNDS)], 0.5)
        for path in FOR_ALL + FOR_HOLDERS
    }


def _paint(portal: Portal, session: dict[str, str], path: str) -> float:
    with _visit(portal, session, path) as page:
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", SLOW_4G)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
        page.goto(path)
        return page.evaluate(LARGEST_PAINT)


def _requests(session: dict[str, str]) -> list[bytes]:
    """Of signed-out and signed-in visitors, in turns, as browsers ask."""
    head = {"Accept_Encoding": "gzip", "Accept_Language": "fr-CH"}
    cookie = {"Cookie": f"{session['name']}={session['value']}"}
    asked = []
    for number, path in enumerate(FOR_HOLDERS):
        asked.append(web.request("GET", path, **head, **cookie))
        asked.append(web.request("GET", FOR_ALL[number % len(FOR_ALL)], **head))
    return asked


def _judge(answers: web.Answers) -> None:
    """Raises RuntimeError where something else came than pages, or the one that there is not."""
    if set(answers.statuses) - {200, 404}:
        raise RuntimeError(f"answers: {dict(answers.statuses)}")
