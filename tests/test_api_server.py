"""HTTP on a real port: bodies that are too large, broken requests, and an orderly end."""

import http.client
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from api.headers import BODY_LIMIT
from api.server import Server

ENTERED, MAY_ANSWER = threading.Event(), threading.Event()


def echo(environ, start_response):
    """Answers with the length of the body; at /slow only once it is told to."""
    if environ["PATH_INFO"] == "/slow":
        ENTERED.set()
        MAY_ANSWER.wait(10)
    body = str(len(environ["wsgi.input"].read())).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serving(**limits: float) -> Iterator[tuple[int, threading.Event, threading.Thread]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stop = threading.Event()
    server = Server("api", echo, host="127.0.0.1", port=port, threads=2, **limits)
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        wait_until_open(port)
        yield port, stop, thread
    finally:
        MAY_ANSWER.set()
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def wait_until_open(port: int) -> None:
    for _ in range(1000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.01)
    raise AssertionError("the server did not open its port")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as (port, _stop, _thread):
        yield port


def answer_to(port: int, request: bytes) -> tuple[str, dict]:
    """Status line and JSON body of whatever is answered until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answered = b""
        while piece := connection.recv(65536):
            answered += piece
    head, _, body = answered.partition(b"\r\n\r\n")
    return head.decode().split("\r\n")[0], json.loads(body)


def post(port: int, body: object, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", body=body, headers=headers, encode_chunked=not isinstance(body, bytes))
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_body_of_64_kib_is_taken_and_one_byte_more_is_not(port):
    assert post(port, b"x" * BODY_LIMIT) == (200, str(BODY_LIMIT).encode())
    status, body = post(port, b"x" * (BODY_LIMIT + 1))
    assert status == 413
    assert json.loads(body)["type"] == "/problems/body-too-large"


def test_a_large_body_is_refused_before_it_is_sent(port):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nAccept-Language: en\r\nContent-Length: 100000\r\n"
    for expecting in (b"", b"Expect: 100-continue\r\n"):
        line, problem = answer_to(port, head + expecting + b"\r\n")
        assert line.startswith("HTTP/1.1 413 ")
        assert problem["title"] == "The request is too large"


def test_a_body_of_unannounced_length_is_refused_at_the_limit(port):
    status, body = post(port, (b"x" * 1000 for _ in range(100)), **{"Transfer-Encoding": "chunked"})
    assert status == 413
    assert json.loads(body)["status"] == 413


def test_v15_2_2_bodies_that_come_slowly_keep_nobody_waiting(port):
    """There are two threads: neither waits for a body that has not come whole."""
    with ExitStack() as slow:
        for number in range(30):
            connection = slow.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            way = (
                b"Transfer-Encoding: chunked\r\n\r\n5\r\nx" if number % 2 else b"Content-Length: 100\r\n\r\nx"
            )
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + way)
        assert post(port, b"x" * 100) == (200, b"100")


def test_a_refusal_is_logged_as_a_request_is(port, caplog):
    with caplog.at_level(logging.INFO, "api.access"):
        post(port, b"x" * (BODY_LIMIT + 1))
    (line,) = [vars(record) for record in caplog.records if record.name == "api.access"]
    assert (line["status"], line["route"]) == (413, "none")


def test_the_refusal_reaches_a_client_that_goes_on_sending(port):
    status, body = post(port, b"x" * 8_000_000)
    assert status == 413
    assert json.loads(body)["type"] == "/problems/body-too-large"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"NONSENSE\r\n\r\n", "400 "),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n", "400 "),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ada@new.example\r\n\r\n", "400 "),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501 "),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 300_000 + b"\r\n\r\n", "431 "),
    ],
)
def test_broken_http_is_a_problem_that_repeats_nothing(port, request_, status):
    line, problem = answer_to(port, request_)
    assert status in line
    assert set(problem) == {"type", "title", "status"}
    assert problem["type"] == "about:blank"


def test_what_is_being_answered_at_the_stop_is_answered():
    ENTERED.clear()
    MAY_ANSWER.clear()
    with serving() as (port, stop, thread):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/slow")
        assert ENTERED.wait(10)
        stop.set()
        refused = False
        while not refused:  # no new connections any more
            with socket.socket() as probe:
                refused = probe.connect_ex(("127.0.0.1", port)) != 0
        MAY_ANSWER.set()
        assert connection.getresponse().read() == b"0"
        thread.join(10)


def test_a_body_that_drips_is_not_waited_for_without_end():
    with serving(request_seconds=1) as (port, _stop, _thread):
        with socket.create_connection(("127.0.0.1", port), timeout=0.1) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
            for _ in range(90):
                try:
                    connection.sendall(b"x")
                    assert connection.recv(1) == b""
                    break
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            else:
                raise AssertionError("still open")
        assert post(port, b"x") == (200, b"1")


def test_a_port_that_is_taken_is_an_error():
    with serving() as (port, _stop, _thread), pytest.raises(OSError, match="in use"):
        Server("api", echo, host="127.0.0.1", port=port, threads=1).run(threading.Event())
