"""The deployment files in docs/deploy/: each part gets its needs, and only workers see the keyring."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings as django_settings
from django.core.management import call_command
from pytest_django.fixtures import Settings

from execution.launcher.bootstrap import paper_options
from execution.models import Installation, User

DEPLOY = Path(__file__).resolve().parents[1] / "docs" / "deploy"
REPOSITORY = DEPLOY.parents[1]
UNITS = sorted(DEPLOY.glob("*.service"))


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return read


def test_only_worker_and_install_see_the_keyring_in_compose() -> None:
    services = compose()["services"]
    ours = {name: service for name, service in services.items() if service.get("image") == "tranche"}
    assert set(ours) == {"install", "web", "worker", "compute", "beat"}
    with_volume = {
        name
        for name, service in services.items()
        if any("keys:" in text for text in service.get("volumes", []))
    }
    assert with_volume == {"install", "worker"}
    keyrings = {name: service["environment"]["TRANCHE_KEYRING"] for name, service in ours.items()}
    assert {name for name, path in keyrings.items() if path != "/dev/null"} == {"install", "worker"}
    alert_keyrings = {name: service["environment"]["TRANCHE_ALERT_KEYRING"] for name, service in ours.items()}
    assert {name for name, path in alert_keyrings.items() if path != "/dev/null"} == {"install", "compute"}
    assert {name for name, service in ours.items() if "SECRET_KEY" in service["environment"]} == {"web"}
    published = [text for service in services.values() for text in service.get("ports", [])]
    assert published == ["127.0.0.1:8000:8000"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_what_is_there_and_comes_back(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=/opt/tranche/.venv/bin/python -m (\S+)", text, re.MULTILINE)
    assert command in {"config.web", "celery", "execution.paper"}
    assert "Restart=always" in text
    assert re.search(r"^User=tranche(-worker|-compute)?$", text, re.MULTILINE)
    is_worker = unit.name.startswith("tranche-worker")
    knows_settings = "execution.paper" not in command
    assert ("TRANCHE_KEYRING=/dev/null" in text) is (knows_settings and not is_worker)
    sends_alerts = unit.name.startswith("tranche-compute")
    assert ("TRANCHE_ALERT_KEYRING=/dev/null" in text) is (knows_settings and not sends_alerts)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_a_unit(unit: Path) -> None:
    said = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    wrong = [line for line in said.stderr.splitlines() if "is not executable" not in line]
    assert [line for line in wrong if unit.name.partition(".")[0].rstrip("@") in line] == []


#: What ``systemd-analyze security`` may say at most, of 10.
MOST_EXPOSED = 3.0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd")
def test_systemd_counts_little_exposure() -> None:
    for unit in UNITS:
        command = ["systemd-analyze", "security", "--offline=yes", str(unit)]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        (level,) = re.findall(r"exposure level for \S+: ([0-9.]+)", said)
        assert float(level) < MOST_EXPOSED, unit.name


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_has_no_way_to_more_rights(unit: Path) -> None:
    lines = unit.read_text(encoding="utf-8").splitlines()
    wanted = (
        *("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "RestrictNamespaces=yes"),
        *("PrivateDevices=yes", "SystemCallFilter=@system-service", "UMask=0077"),
    )
    assert [line for line in wanted if line not in lines] == []
    is_web_or_paper = "web" in unit.name or "paper" in unit.name
    assert ("UnsetEnvironment=SECRET_KEY" in lines) is not is_web_or_paper, "web alone signs sessions"


def test_containers_have_no_rights_and_write_nothing_of_their_image() -> None:
    services = compose()["services"]
    for name, service in services.items():
        assert service["logging"]["options"]["max-size"], name
        if service.get("image") == "tranche":
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
    assert "/livez" in services["web"]["healthcheck"]["test"][-1]
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert dockerfile.rstrip().splitlines()[-1] == "USER tranche"


def test_every_variable_of_the_environment_file_is_one_that_the_settings_read() -> None:
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    text = (DEPLOY / "tranche.env.example").read_text(encoding="utf-8")
    names = re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)
    assert len(names) > 5
    assert [name for name in names if f"#{name}=" not in example] == []


def test_the_environment_file_leaves_alone_what_a_unit_sets() -> None:
    """Refuse what would give web the workers' keyring: for systemd the file has precedence over ``Environment=``."""
    example = (DEPLOY / "tranche.env.example").read_text(encoding="utf-8")
    names = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    for unit in UNITS:
        lines = re.findall(r"^Environment=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        assert names.isdisjoint(re.findall(r"([A-Z_]+)=", " ".join(lines))), unit.name


def test_the_trial_account_of_the_deployment_guide_is_at_the_paper_exchange_of_its_unit() -> None:
    given = json.loads((DEPLOY / "paper.json").read_text(encoding="utf-8"))
    assert given == paper_options(9001)


def test_the_proxy_takes_a_little_more_than_the_web_process_so_that_its_answer_is_ours() -> None:
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    (kilobytes,) = re.findall(r"^ +client_max_body_size (\d+)k;", text, re.MULTILINE)
    limit = django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert limit < int(kilobytes) * 1024 <= 2 * limit


def test_every_file_is_named_in_the_deployment_guide() -> None:
    guide = (REPOSITORY / "docs" / "how-to" / "deployment.md").read_text(encoding="utf-8")
    unnamed = [path.name for path in DEPLOY.iterdir() if path.name not in guide and path.name != "Dockerfile"]
    assert unnamed == []


def test_install_makes_a_desk_without_paper_accounts_and_may_be_repeated(
    transactional_db: None, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.VAR, settings.TRANCHE_KEYRING = tmp_path, tmp_path / "keyring"
    settings.TRANCHE_ALERT_KEYRING = tmp_path / "alert_keyring"
    for _ in range(2):
        call_command("install")
    said = capsys.readouterr().out
    assert said.count("the database is ready") == 2
    assert said.count("created trader, supervisor, admin") == 1
    assert Installation.objects.get().environment == "paper"
    assert User.objects.count() == 3
    assert (tmp_path / "keyring").stat().st_mode & 0o077 == 0
    assert (tmp_path / "alert_keyring").stat().st_mode & 0o077 == 0
    keys = Installation.objects.values_list("sealing_key", "alert_sealing_key").get()
    assert [len(key) for key in keys] == [64, 64]
    assert said.count(f"TRANCHE_SEALING_KEYS={','.join(keys)}") == 2


def test_install_makes_no_new_keyring_of_alerts_after_that_was_moved(
    transactional_db: None, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.VAR, settings.TRANCHE_KEYRING = tmp_path, tmp_path / "keyring"
    settings.TRANCHE_ALERT_KEYRING = tmp_path / "alert_keyring"
    call_command("install")
    former = Installation.objects.get().alert_sealing_key
    (tmp_path / "alert_keyring").rename(tmp_path / "moved")
    call_command("install")
    assert "is elsewhere, and stays as it is" in capsys.readouterr().out
    assert not (tmp_path / "alert_keyring").exists()
    assert Installation.objects.get().alert_sealing_key == former
    call_command("install", "--new-alert-keyring")
    assert (tmp_path / "alert_keyring").exists()
    assert Installation.objects.get().alert_sealing_key != former
