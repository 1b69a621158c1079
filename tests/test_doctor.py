"""`matricule doctor`: each fault by itself is found, and what to do about it is said."""

import re
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.doctor import Finding, _horizon, examine
from infrastructure import bootstrap
from infrastructure.database import migrate
from infrastructure.settings import Settings

OPERATIONS = (Path(__file__).parents[1] / "docs" / "operations.md").read_text("utf-8")


@pytest.fixture
def environ(private_database, tmp_path) -> dict[str, str]:
    """A demonstration on an empty database, in which its role may do no more than it needs."""
    return {
        "MATRICULE_HOME": str(tmp_path),
        "MATRICULE_DEMO": "1",
        "DATABASE_URL": private_database.start(),
    }


def test_each_fault_is_found_and_what_to_do_is_said(environ, private_database):
    def ill(**different: str) -> dict[str, Finding]:
        """All that is not well, by part."""
        return {found.part: found for found in examine(environ | different) if found.verdict != "ok"}

    def the_only(part: str, verdict: str, **different: str) -> str:
        found = ill(**different)
        assert [(name, each.verdict) for name, each in found.items()] == [(part, verdict)]
        return f"{found[part].what} → {found[part].to_do}"

    database = environ["DATABASE_URL"]
    assert "MATRICULE_PORT" in the_only("settings", "fault", MATRICULE_PORT="eight")
    nobody = make_conninfo(database, host="127.0.0.1", port="9")
    assert re.search("does not answer.*DATABASE_URL", the_only("database", "fault", DATABASE_URL=nobody))
    assert re.search("lacks 0001.*Run matricule migrate", the_only("database", "fault"))
    migrate(database)
    assert "Start matricule project" in the_only("projections", "warning")

    settings = Settings.from_environment(environ)
    with bootstrap.service(settings, database) as service:
        for role in service.project():
            role.catch_up()
        assert ill() == {}
        assert "SMTP_URL" in the_only("mail", "fault", SMTP_URL="smtp://127.0.0.1:9")

        with psycopg.connect(private_database.administrator) as foreigner:
            foreigner.execute("SELECT pg_current_xact_id()")
            (horizon,) = _horizon(service, patience=0.2)
            assert (horizon.verdict, "pg_stat_activity" in horizon.to_do) == ("warning", True)
            (query,) = re.findall("`(SELECT pid, .*?)`", OPERATIONS)
            with psycopg.connect(database) as own:
                assert own.execute(query).fetchone()[0] == foreigner.info.backend_pid
        (horizon,) = _horizon(service)
        assert horizon.verdict == "ok"

    with psycopg.connect(database, autocommit=True) as operator:
        operator.execute(
            "INSERT INTO parked_streams (projection, originator_id, position, topic, error)"
            " VALUES ('directory', gen_random_uuid(), 1, 'account.requested', 'KeyError')"
        )
        told = the_only("projections", "fault")
        assert re.search("directory could not fold 1 streams.*matricule rebuild directory", told)
        operator.execute("DELETE FROM parked_streams")
        operator.execute("INSERT INTO intake (sealed) VALUES ('')")
    settings.master_key_file.unlink()
    assert "nothing sealed can be read" in the_only("keys", "fault")
