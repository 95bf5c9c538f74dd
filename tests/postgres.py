"""A PostgreSQL server of a test's own: a new cluster in a folder of its own, reached through a socket there.

1. It runs as another user where the tests run as root, which the server refuses.
2. Nothing is listened on but the socket, and the folder goes with the server.
3. Its settings are those of a careful operator, or what a test wants instead.
"""

import os
import pwd
import select
import shutil
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

import psycopg

from signer.journal.place import PostgresPlace

OLDEST = 15
USER = "pegwarden"
SOCKET = ".s.PGSQL.5432"
_FAST = Path("/dev/shm")


def programs() -> Path | None:
    """The folder of the newest server programs that are installed; None for none that is new enough."""
    found = [
        (int(folder.parent.name), folder)
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if folder.parent.name.isdigit() and (folder / "initdb").exists()
    ]
    version, folder = max(found, default=(0, Path()))
    return folder if version >= OLDEST else None


class Cluster:
    """A server and its databases."""

    def __init__(self, binaries: Path, passphrase: str = "", parent: Path | None = None) -> None:
        """`parent`: where its folder is made, if not in memory."""
        self._binaries = binaries
        if parent is None and os.access(_FAST, os.W_OK):
            parent = _FAST
        self.folder = Path(tempfile.mkdtemp(prefix="pegwarden-postgres-", dir=parent))
        self._account = _account()
        if self._account is not None:
            os.chown(self.folder, *self._account)
        self._numbers = count()
        self._settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "50",
            "shared_buffers": "32MB",
        }
        entry = ["-A", "trust"]
        if passphrase:
            secret = self.folder / "secret"
            secret.write_text(passphrase)
            secret.chmod(0o644)
            entry = ["-A", "scram-sha-256", "--pwfile", str(secret)]
        self._run("initdb", "-D", self._data, "-U", USER, *entry, "-E", "UTF8", "-N")
        self.start()

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        """Serve. Ready when this returns."""
        options = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self._data, "-l", log, "-w", "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop at once, as a crash does; or `fast`, in order."""
        self._run("pg_ctl", "-D", self._data, "-m", how, "-w", "stop")

    def remove(self) -> None:
        """Stop it, and remove all of it."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def new_place(self, like: str = "template0") -> PostgresPlace:
        """A new database: empty, or a copy of that one."""
        name = f"journal_{next(self._numbers)}"
        self.run_sql(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.place(name)

    def place(self, name: str, folder: Path | None = None) -> PostgresPlace:
        """That database, by the server's socket or by one in another folder."""
        return PostgresPlace(f"postgresql://{USER}@/{name}?host={folder or self.folder}")

    def name_of(self, place: PostgresPlace) -> str:
        """Of its database."""
        return place.url.partition("@/")[2].partition("?")[0]

    def configure(self, name: str, value: str) -> None:
        """A setting of the whole server, from now on."""
        self.run_sql(f"ALTER SYSTEM SET {name} = {value}")
        self.run_sql("SELECT pg_reload_conf()")
        with psycopg.connect(self.place("postgres").url, autocommit=True) as connection:
            while connection.execute(f"SHOW {name}").fetchone() != (value,):  # type: ignore[call-overload]
                pass

    def run_sql(self, statement: str, name: str = "postgres") -> None:
        """As an administrator would, in that database."""
        with psycopg.connect(self.place(name).url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def _run(self, program: str, *arguments: str) -> None:
        user, group = self._account or (None, None)
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def _account() -> tuple[int, int] | None:
    """Whom the server runs as: its own user if there is one, else nobody; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise LookupError("no user is there to run PostgreSQL as")


class Wire:
    """A socket between a client and the server, to be cut when the next commit passes, or anywhere."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pegwarden-wire-"))
        self.place = cluster.place(name, self.folder)
        self.cut = ""
        """`before` the server has the commit, or `after` it has done it; nothing is cut while empty."""
        self.left: int | None = None
        """So many bytes more pass, to and fro together, then it is cut, once; None: no end is near."""
        self.passed = 0
        """Bytes so far."""
        self._target = str(cluster.folder / SOCKET)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        shutil.rmtree(self.folder)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(self._target)
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for side in ready:
                    content = side.recv(1 << 16)
                    if not content or not self._passes(content, side is client, server):
                        return
                    other = server if side is client else client
                    if self.left is not None and len(content) > self.left:
                        content, self.left = content[: self.left], None
                        other.sendall(content)
                        return
                    other.sendall(content)
                    self.passed += len(content)
                    if self.left is not None:
                        self.left -= len(content)

    def _passes(self, content: bytes, is_sent: bool, server: socket.socket) -> bool:
        if not self.cut or not is_sent or b"COMMIT;" not in content:
            return True
        cut, self.cut = self.cut, ""
        if cut == "after":
            server.sendall(content)
            server.recv(1 << 16)
        return False
