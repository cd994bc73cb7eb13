"""A throw-away user who may use sudo, and programs run as that user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import process_manager as pm
from conftest import without_slowness

TOOLS = ["/usr/bin/sudo", "/usr/sbin/useradd", "/usr/sbin/chpasswd", "/usr/bin/setpriv"]
PASSWORD = "correct horse"
PRELUDE = "import asyncio, os, sys, threading, time; import process_manager as pm\n"


def missing() -> str | None:
    """Why the tests cannot run here, if they cannot."""
    if os.geteuid() != 0:
        return "users can be made by root only"
    if not all(os.path.exists(tool) for tool in TOOLS):
        return "sudo, useradd, chpasswd and setpriv are not all installed"
    with open("/proc/self/status") as status:
        if "NoNewPrivs:\t0" not in status.read():
            return "no-new-privileges is set"
    return None


class User:
    """Runs Python programs as itself."""

    def __init__(self, name: str, home: Path) -> None:
        self._name = name
        self._home = home
        # The package may lie where only root can go.
        package = Path(pm.__file__).parent
        shutil.copytree(package, home / package.name, ignore=shutil.ignore_patterns("__pycache__"))

    def expire(self) -> None:
        """Makes the password one that must be changed at once."""
        subprocess.run(["/usr/bin/chage", "-d", "0", self._name], check=True)

    def run(self, code: str) -> str:
        """What the program prints; it must print nothing else anywhere."""
        drop = ["setpriv", "--reuid", self._name, "--regid", "65534", "--clear-groups", "--"]
        python = os.path.realpath(f"/proc/{os.getpid()}/exe")
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self._home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": "/tmp",
        }
        done = subprocess.run(
            [*drop, python, "-X", "dev", "-W", "error", "-c", PRELUDE + code],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=90,
        )
        errors = without_slowness(done.stderr)
        assert (done.returncode, errors) == (0, ""), errors
        return done.stdout


def reachable() -> bool:
    """Whether any user can run this Python."""
    command = [
        "setpriv",
        "--reuid",
        "65534",
        "--clear-groups",
        "--",
        os.path.realpath(sys.executable),
    ]
    return subprocess.run([*command, "-c", ""], capture_output=True).returncode == 0


@contextmanager
def user(rule: str = "USER ALL=(ALL:ALL) ALL", number: int = 0) -> Iterator[User]:
    """A user with a password and a line of sudoers, in which USER is the name."""
    name = f"pmpy{os.getpid()}x{number}"
    rules = Path("/etc/sudoers.d", name)
    subprocess.run(["/usr/sbin/useradd", "-M", "-N", "-s", "/bin/sh", name], check=True)
    try:
        subprocess.run(["/usr/sbin/chpasswd"], input=f"{name}:{PASSWORD}".encode(), check=True)
        rules.write_text(rule.replace("USER", name) + "\n")
        with tempfile.TemporaryDirectory(prefix="pm-sudo-py.") as home:
            os.chmod(home, 0o755)
            yield User(name, Path(home))
    finally:
        rules.unlink(missing_ok=True)
        subprocess.run(["/usr/sbin/userdel", name], check=False, capture_output=True)
