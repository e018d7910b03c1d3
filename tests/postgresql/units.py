"""``systemctl`` in a copy of a machine: it reads unit files as systemd does, and starts their commands.

systemd itself cannot run there, because it has to be the first process. What a unit asks for is done, left out by
name, or refused.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import pwd
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

FOLDERS = (Path("/etc/systemd/system"), Path("/lib/systemd/system"))
PIDS, LOGS = Path("/run/units"), Path("/var/log/units")
#: What is done here.
DONE = {
    *("User", "Group", "WorkingDirectory", "Environment", "EnvironmentFile", "UnsetEnvironment", "ExecStart"),
    *("StateDirectory", "StateDirectoryMode", "RuntimeDirectory", "UMask", "Nice", "LimitNOFILE"),
    *("NoNewPrivileges", "TimeoutStopSec", "KillMode"),
}
#: What is left out: nothing ends by itself in the test, and this hides the rest of the machine from a process.
LEFT_OUT = {
    *("Restart", "RestartSec"),
    *("ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateUsers", "ProtectClock"),
    *("ProtectControlGroups", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules"),
    *("ProtectKernelTunables", "ProtectProc", "RestrictAddressFamilies", "RestrictNamespaces"),
    *("RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "RemoveIPC", "CapabilityBoundingSet"),
    *("SystemCallArchitectures", "SystemCallFilter", "SystemCallErrorNumber"),
    *("IPAddressAllow", "IPAddressDeny"),
}
#: What systemd gives every service of a user.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
#: The cluster of Debian's package. Its unit postgresql@.service does what ``pg_ctlcluster`` does.
POSTGRESQL = "postgresql"


class Unit:
    """The section [Service] of a unit, with the specifiers %i and %H filled in."""

    def __init__(self, name: str) -> None:
        self.name = name
        template, at, instance = name.partition("@")
        file = f"{template}@.service" if at else f"{name}.service"
        found = [folder / file for folder in FOLDERS if (folder / file).exists()]
        if not found:
            sys.exit(f"Failed to start {name}.service: Unit {name}.service not found.")
        self.settings: dict[str, list[str]] = {}
        section = ""
        for line in found[0].read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                section = line
            elif section == "[Service]" and line.strip() and line[0] not in "#;":
                key, _, text = line.partition("=")
                filled = text.replace("%i", instance).replace("%H", socket.gethostname())
                self.settings.setdefault(key, []).append(filled)
        if unknown := self.settings.keys() - DONE - LEFT_OUT:
            sys.exit(f"{file}: {', '.join(sorted(unknown))} is neither done nor left out by the test")

    def one(self, key: str, default: str = "") -> str:
        """Return the last value of a setting."""
        return self.settings.get(key, [default])[-1]

    @property
    def user(self) -> pwd.struct_passwd:
        return pwd.getpwnam(self.one("User", "root"))

    def environment(self) -> dict[str, str]:
        """Return the variables. Those of files have precedence over the unit's own (systemd.exec(5))."""
        user = self.user
        found = {"PATH": PATH, "HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}
        for line in self.settings.get("Environment", []):
            found |= dict(word.split("=", 1) for word in shlex.split(line))
        for name in self.settings.get("EnvironmentFile", []):
            path = Path(name.removeprefix("-"))
            if path.exists() or not name.startswith("-"):
                found |= variables_of(path)
        for name in " ".join(self.settings.get("UnsetEnvironment", [])).split():
            found.pop(name, None)
        return found

    def make_folders(self) -> None:
        """Make the folders of state and of running, which belong to the unit's user."""
        user = self.user
        for base, key, mode in (
            ("/var/lib", "StateDirectory", self.one("StateDirectoryMode", "0755")),
            ("/run", "RuntimeDirectory", "0755"),
        ):
            for name in self.one(key).split():
                path = Path(base, name)
                path.mkdir(parents=True, exist_ok=True)
                path.chmod(int(mode, 8))
                os.chown(path, user.pw_uid, user.pw_gid)

    def command(self, environment: dict[str, str]) -> list[str]:
        """Return the command, as the unit's user. ``${NAME}`` in it is a variable."""
        words = shlex.split(self.one("ExecStart"))
        for name, text in environment.items():
            words = [word.replace(f"${{{name}}}", text) for word in words]
        user = [f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--init-groups"]
        if self.one("NoNewPrivileges") == "yes":
            user.append("--no-new-privs")
        # Root of a machine like this one may not always give more than it has itself.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        files = min(most, int(self.one("LimitNOFILE", str(most))))
        return [
            "prlimit",
            f"--nofile={files}",
            "nice",
            "-n",
            self.one("Nice", "0"),
            "setpriv",
            *user,
            "--",
            *words,
        ]


def variables_of(path: Path) -> dict[str, str]:
    """Return the variables of an EnvironmentFile. Nothing in it is expanded; quotes around a value are taken away."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and line.strip()[0] not in "#;":
            name, _, text = line.partition("=")
            if "\\" in text or text.count('"') not in (0, 2):
                sys.exit(f"{path}: {name} is written in a way that the test does not read")
            found[name.strip()] = text.strip().strip('"')
    return found


def start(name: str) -> None:
    """Start a unit unless it runs. Like systemd with Type=simple, do not wait until it is ready."""
    if pid_of(name):
        return
    unit = Unit(name)
    unit.make_folders()
    environment = unit.environment()
    for folder in (PIDS, LOGS):
        folder.mkdir(exist_ok=True)
    with open(LOGS / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            unit.command(environment),
            cwd=unit.one("WorkingDirectory", "/"),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            umask=int(unit.one("UMask", "0022"), 8),
            start_new_session=True,
        )
    (PIDS / name).write_text(str(process.pid), encoding="ascii")


def stop(names: Sequence[str]) -> None:
    """Stop units at the same time, each within its TimeoutStopSec; then kill what its session still has."""
    running = {name: pid for name in names if (pid := pid_of(name))}
    for pid in running.values():
        os.kill(pid, signal.SIGTERM)
    begun = time.monotonic()
    for name, pid in running.items():
        limit = float(Unit(name).one("TimeoutStopSec", "90"))
        while pid_of(name) and time.monotonic() - begun < limit:
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        (PIDS / name).unlink()


def pid_of(name: str) -> int | None:
    """Return the process of a unit; None when it has ended."""
    try:
        pid = int((PIDS / name).read_text(encoding="ascii"))
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None
    return None if state == "Z" else pid


def systemctl(words: Sequence[str]) -> None:
    """Do what ``systemctl`` does with these words, as far as the guides use it."""
    verb, *names = [word for word in words if word != "--now"]
    if verb == "daemon-reload":
        return
    if POSTGRESQL in names:
        version = next(Path("/etc/postgresql").iterdir()).name
        subprocess.run(["pg_ctlcluster", "--skip-systemctl-redirect", version, "main", verb], check=True)
        return
    there = sorted(path.name for path in PIDS.iterdir()) if PIDS.exists() else []
    chosen = [each for name in names for each in (fnmatch.filter(there, name) if "*" in name else [name])]
    if verb == "enable":
        verb = "start" if "--now" in words else ""
    if verb in {"stop", "restart"}:
        stop(chosen)
    if verb in {"start", "restart"}:
        for name in chosen:
            start(name)
    if verb not in {"", "start", "stop", "restart"}:
        sys.exit(f"the test knows no systemctl {verb}")
