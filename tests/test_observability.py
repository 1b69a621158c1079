"""Logs and metrics: what operators need, and nothing about a person."""

import json
import logging
import subprocess
import sys

import pytest

from infrastructure.observability import LOG_FIELDS, JsonLines, Metrics, blot


@pytest.fixture
def logged():
    """What a log call becomes, as text and as JSON."""

    def log(message, *args, exc_info=None, **extra):
        record = logging.getLogger("test").makeRecord(
            "test", logging.WARNING, __file__, 1, message, args, exc_info, extra=extra
        )
        return JsonLines().format(record)

    return log


def test_a_record_is_one_line_of_json(logged):
    line = logged("two\nlines", role="relay", seconds=0.5)

    assert "\n" not in line
    assert json.loads(line).items() >= {
        "level": "warning", "logger": "test", "message": "two\nlines", "role": "relay", "seconds": 0.5,
    }.items()  # fmt: skip


def test_a_field_that_nobody_has_allowed_is_left_out(logged):
    assert "Lovelace" not in logged("signed up", family_name="Lovelace")
    assert "family_name" not in LOG_FIELDS


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("GET /confirm?token=abc123 done", "GET /confirm?… done"),
        ("https://id.example/reset?token=abc#x", "https://id.example/reset?…"),
        ("550 <ada@example.org>: no such user", "550 <…@…>: no such user"),
        ("ada%40example.org", "…@…"),
        ("jürg.müller+x@bücher.example refused", "…@… refused"),
        ("number 756.1234.5678.97", "number 756…"),
        ("number 7561234567897", "number 756…"),
        ("who are you? nobody", "who are you? nobody"),
        ("7561234567897000 is no number", "7561234567897000 is no number"),
    ],
)
def test_what_looks_like_personal_data_is_blotted_out(said, kept):
    assert blot(said) == kept


def test_blotting_holds_for_arguments_and_fields_too(logged):
    line = logged("refused %s", "ada@example.org", code="ada@example.org")

    assert "ada" not in line


def test_blotting_a_long_line_is_quick():
    assert blot("a" * 200_000) == "a" * 200_000


def test_an_exception_is_logged_by_type_and_place_only(logged):
    try:
        int("Ada Lovelace")
    except ValueError:
        line = json.loads(logged("failed", exc_info=sys.exc_info()))

    assert line["error"] == "ValueError"
    assert line["place"].startswith("test_observability.py:")
    assert "Ada" not in json.dumps(line)


@pytest.mark.parametrize("crash", ["int('Ada')", "t = Thread(target=int, args=['Ada']); t.start(); t.join()"])
def test_an_uncaught_exception_does_not_print_its_text(crash):
    program = (
        "from threading import Thread; from infrastructure.observability import set_up_logging;"
        f" set_up_logging('info'); {crash}"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    (line,) = ended.stderr.splitlines()
    assert json.loads(line)["error"] == "ValueError"
    assert "'Ada'" not in ended.stderr


def test_lines_of_many_threads_stay_whole():
    program = (
        "import logging; from threading import Thread; from infrastructure.observability import set_up_logging;"
        " set_up_logging('info'); log = logging.getLogger('test');"
        " say = lambda: [log.info('x' * 5000, extra={'count': number}) for number in range(100)];"
        " threads = [Thread(target=say) for _ in range(8)];"
        " [thread.start() for thread in threads]; [thread.join() for thread in threads]"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    told = sorted(json.loads(line)["count"] for line in ended.stderr.splitlines())
    assert told == sorted(list(range(100)) * 8)


def test_what_is_wrong_is_told_at_once_and_after_what_came_before():
    program = (
        "import logging, os; from infrastructure.observability import set_up_logging; set_up_logging('info');"
        " log = logging.getLogger('test'); log.info('first'); log.warning('second'); log.info('lost'); os._exit(0)"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert [json.loads(line)["message"] for line in ended.stderr.splitlines()] == ["first", "second"]


def test_a_line_that_cannot_be_made_takes_no_other_along():
    program = (
        "import logging; from infrastructure.observability import set_up_logging; set_up_logging('info');"
        " log = logging.getLogger('test'); log.info('%d', 'Ada'); log.info('after')"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    first, second = map(json.loads, ended.stderr.splitlines())
    assert (first["error"], second["message"]) == ("TypeError", "after")
    assert "Ada" not in ended.stderr


def test_metrics_are_our_own_and_tell_the_outbox():
    metrics, other = Metrics(), Metrics()

    metrics.show_outbox({"waiting": 3, "parked": 1})

    assert b'matricule_outbox_items{state="waiting"} 3.0' in metrics.render()
    assert b'matricule_outbox_items{state="waiting"}' not in other.render()
    assert b"process_resident_memory_bytes" in metrics.render()
