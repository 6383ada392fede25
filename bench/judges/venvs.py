"""Virtual environments for others' tools, each from its own lock file; made once."""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
# Names an interpreter; for one that is not on the PATH.
PYTHON_VARIABLE = "JUDGES_PYTHON"


class UnavailableError(RuntimeError):
    """Something a judge needs cannot be had here; the message says what and why."""


def tool(name: str, command: str, folder: Path, *, python: tuple[int, int] | None = None) -> Path:
    """The command of a tool's environment, which is made where it is not there yet.

    python: the one minor version its packages are there for; default: any.
    Raises: UnavailableError where there is no such interpreter or a package cannot be had.
    """
    lock = HERE / f"{name}.lock"
    home = folder / name
    stamp = home / "installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(home, ignore_errors=True)
        _install(home, lock, interpreter(python))
        stamp.write_text(wanted)
    return home / "bin" / command


def interpreter(version: tuple[int, int] | None) -> str:
    """An interpreter of that minor version; this one where any will do."""
    if version is None or version == sys.version_info[:2]:
        return sys.executable
    name = f"python{version[0]}.{version[1]}"
    named = os.environ.get(PYTHON_VARIABLE)
    for candidate in filter(None, (named, shutil.which(name))):
        if _version(candidate) == version:
            return candidate
    raise UnavailableError(
        f"needs Python {version[0]}.{version[1]}, which is not here: install it, or name it in"
        f" {PYTHON_VARIABLE}"
    )


def _version(python: str) -> tuple[int, int] | None:
    asked = "import sys; print(*sys.version_info[:2])"
    ended = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    words = ended.stdout.split()
    return (int(words[0]), int(words[1])) if len(words) == 2 else None


def _install(home: Path, lock: Path, python: str) -> None:
    if python == sys.executable:
        venv.create(home, with_pip=True)
    else:
        _run([python, "-m", "venv", str(home)])
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", str(lock)]
    _run(pip)


def _run(command: list[str]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
        raise UnavailableError(f"cannot be installed here: {' '.join(last)}")
