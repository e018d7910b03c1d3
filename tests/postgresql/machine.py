"""A copy of this machine's file system, in which root may change everything: /etc, /opt and /var stay as they are.

The copy is an overlay in memory, with namespaces of its own for mounts, processes, memory and network. Its first
process ends when the test does, and the kernel then ends all others and undoes the mounts.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.checks import REPOSITORY
from tests.patience import PATIENCE

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
#: What root has on a Debian that nobody has changed. Without LANG, as on a minimal one.
ENVIRONMENT = {
    "HOME": "/root",
    "USER": "root",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}
PROGRAMS = ("unshare", "nsenter", "chroot", "mount", "pg_createcluster", "runuser", "useradd", "openssl")
#: The first process. Arguments: an empty folder, then what the copy must have under the same names. bash reaps the
#: processes that are left to it.
FIRST = r"""
set -euo pipefail
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1" && shift
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/upper,workdir=$PWD/work" root
echo mounted
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs -o mode=1777 tmpfs root/dev/shm
for folder in run var/lib/postgresql etc/postgresql; do
    mkdir -p "root/$folder"
    mount -t tmpfs -o mode=755 tmpfs "root/$folder"
done
rm -f root/etc/ca-certificates/update.d/*  # hooks of packages that an empty Debian does not have
for path; do
    if [ ! -e "root$path" ]; then
        mkdir -p "root$path"
        mount --bind "$path" "root$path"
    fi
    while path=$(dirname "$path") && [ "$path" != / ]; do
        chmod a+x "root$path"
    done
done
echo ready
while read -r _; do :; done
"""


@contextlib.contextmanager
def network_of_its_own() -> Iterator[None]:
    """Move this thread and what it starts into a network that has only loopback, with every port free."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/proc/self/task/{threading.get_native_id()}/ns/net", "rb") as former:
        if libc.unshare(CLONE_NEWNET) != 0:
            if ctypes.get_errno() == errno.EPERM:
                pytest.skip("NOT TESTED: the commands of the deployment guide; only root may make a network")
            raise OSError(ctypes.get_errno(), "this thread cannot have a network of its own")
        try:
            _loopback_up()
            yield
        finally:
            if libc.setns(former.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "this thread cannot go back to its network")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(one, SIOCGIFFLAGS, request))
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


class Machine:
    """The copy. ``root`` is its file system, as this process sees it."""

    def __init__(self, folder: Path, first: int) -> None:
        self._folder, self._first = folder, first
        self.root = Path(f"/proc/{first}/root{folder}/root")

    def command(self, *words: str, user: str = "root") -> list[str]:
        """Return the command that runs ``words`` in the copy."""
        enter = ["nsenter", "--target", str(self._first), "--mount", "--pid", "--ipc"]
        variables = [f"{name}={text}" for name, text in ENVIRONMENT.items()]
        change = ["runuser", "-u", user, "--"] if user != "root" else []
        return [*enter, "chroot", f"{self._folder}/root", "env", "-i", *variables, *change, *words]

    def run(self, *words: str, user: str = "root") -> subprocess.CompletedProcess[str]:
        """Run a command in the copy to its end."""
        return subprocess.run(
            self.command(*words, user=user),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60 * PATIENCE,
            check=False,
        )

    def read(self, path: str) -> str:
        """Return the text of a file of the copy."""
        return (self.root / path.lstrip("/")).read_text(encoding="utf-8", errors="replace")

    def logs(self) -> str:
        """Return the last lines that each unit wrote."""
        files = sorted((self.root / "var/log/units").glob("*.log"))
        return "".join(f"\n--- {file.name}\n{file.read_text()[-1500:]}" for file in files)

    def substitute(self, *names: str) -> None:
        """Put programs of ``tests/postgresql/substitutes.py`` into the copy's PATH."""
        for name in names:
            path = self.root / "usr/local/sbin" / name
            command = f'{sys.executable} -m tests.postgresql.substitutes {name} "$@"'
            path.write_text(f"#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {command}\n")
            path.chmod(0o755)


@contextlib.contextmanager
def machine_copy() -> Iterator[Machine]:
    """Yield a copy of this machine, gone at the end. Skip where root may not make one, or where Debian is not."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"NOT TESTED: the commands of the deployment guide; there is no {program}")
    folder = Path(tempfile.mkdtemp(prefix="tr-machine-"))
    needed = [str(REPOSITORY), sys.prefix, sys.base_prefix]
    start = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "bash", "-c", FIRST, "first"]
    process = subprocess.Popen(
        [*start, str(folder), *needed],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        if process.stdout.readline() != "mounted\n":
            said = process.stderr.read().strip()
            pytest.skip(f"NOT TESTED: the commands of the deployment guide; no copy of this machine: {said}")
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        yield Machine(folder, psutil.Process(process.pid).children()[0].pid)
    finally:
        process.kill()  # and with it the first process, and with that all others of the copy
        process.communicate()
        folder.rmdir()


class Shell:
    """A shell of root in the copy, into which the guide's commands are pasted."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self._count = machine, 0
        self._process = subprocess.Popen(
            machine.command("bash", "-euo", "pipefail"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            text=True,
        )

    def run(self, text: str) -> str:
        """Run a block in this shell and return what it wrote. Fail with that when one of its commands fails."""
        self._count += 1
        block = f"/run/blocks/{self._count}"
        file = self._machine.root / block.lstrip("/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f". {block} </dev/null >{block}.out 2>&1; echo done\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        output = self._machine.read(f"{block}.out")
        if said != "done\n":
            pytest.fail(
                f"a command of the guide failed:\n{text}\n--- it wrote:\n{output}{said}{self._machine.logs()}"
            )
        return output

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextlib.contextmanager
def shell_of(machine: Machine) -> Iterator[Shell]:
    """Yield a shell of root, ended at the end."""
    shell = Shell(machine)
    try:
        yield shell
    finally:
        shell.close()
