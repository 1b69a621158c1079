"""The example walks to its end, again and again, against the service as an operator starts it."""

import os
import subprocess
from pathlib import Path

import pytest
from running_service import RunningService, a_service

SCRIPT = Path(__file__).parents[1] / "examples" / "first-account.sh"
WALK_SECONDS = 120.0  # some seconds, where nothing else is going on
pytestmark = pytest.mark.usefixtures("shell_tools")


def walk(service: RunningService) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT],
        env={
            "PATH": os.environ["PATH"],
            "BASE": f"http://127.0.0.1:{service.port}",
            "MATRICULE_HOME": str(service.home),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WALK_SECONDS,
    )


@pytest.mark.timeout(360)
def test_a_user_and_a_clerk_come_to_the_end_of_the_journey_and_so_do_the_next_two():
    with a_service() as service:
        service.run()

        first, second = walk(service), walk(service)

        assert first.returncode == 0, first.stdout + first.stderr
        assert second.returncode == 0, second.stdout + second.stderr
        accounts = service.rows("SELECT email, link_state FROM directory ORDER BY created_at")
        assert [state for _, state in accounts] == ["linked", "linked", "none"] * 2
        assert [email for email, _ in accounts[:3]] == [
            "aurelie.chappuis@example.org",
            "noemie.beguelin@example.org",
            "clerk@example.org",
        ]
        *_, history, done = first.stdout.split("\n\n")
        assert "$ matricule history " in history
        assert "profile.record-linked" in history
        assert done.startswith("Done.")
        notices = [mail["To"] for mail in service.mails() if mail["X-Matricule-Kind"] == "link-notice"]
        assert notices[:1] == ["noemie.beguelin@old.example"]


def test_without_a_service_it_says_how_to_start_one():
    with a_service() as service:
        walked = walk(service)

    assert walked.returncode == 1
    assert "make run" in walked.stderr
