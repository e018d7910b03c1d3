"""The base of every test: a folder of its own instead of var/, a browser, and the real desk.

The environment is set here, at import: pytest-django loads the settings only after this file.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from execution.launcher.environments import keep_bytecode
from tests.checks import REPOSITORY
from tests.faults.seeds import seeds_of_commit

TEST_VAR = Path(tempfile.mkdtemp(prefix="tranche-tests-"))
os.environ["TRANCHE_VAR"] = str(TEST_VAR)
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
for _name in ("REDIS_URL", "DATABASE_URL", "TRANCHE_KEYRING", "TRANCHE_ENVIRONMENT", "SECRET_KEY"):
    os.environ.pop(_name, None)  # a desk that is configured for this shell is not to be tested on
#: Set by tests/postgresql/conftest.py for the session that it starts: a cluster of the tests' own.
if _url := os.environ.get("TRANCHE_TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = _url
keep_bytecode(REPOSITORY / ".pytest_cache" / "bytecode")  # the tests start a hundred processes

#: On PostgreSQL the same tests run a second time, after those on SQLite.
_EXAMPLES = 10 if _url else 25
hypothesis_settings.register_profile("tranche", deadline=None, max_examples=_EXAMPLES, print_blob=True)
hypothesis_settings.load_profile("tranche")

pytest_plugins = ["tests.fixtures", "tests.markers", "tests.sharing"]


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run when the settings were loaded before this file could point them elsewhere.

    Draw the examples of property tests from the commit, like the fault seeds.
    """
    from django.conf import settings

    if Path(settings.VAR) != TEST_VAR.resolve():
        raise pytest.UsageError(
            f"the settings point at {settings.VAR}: unset DJANGO_SETTINGS_MODULE and try again"
        )
    if config.getoption("--hypothesis-seed") is None:
        # So a commit that passed passes again. Another number searches elsewhere.
        config.option.hypothesis_seed = str(seeds_of_commit(REPOSITORY).first)
    # The first of the list hashes new passwords, and the usual one takes 0.2 s for each on purpose. A hash that a test
    # writes into a running desk's database must name a hasher that the desk knows.
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    settings.WHITENOISE_AUTOREFRESH = True  # else every test's client begins by listing all static files


def pytest_report_header() -> str:
    """Say which seeds the fault simulation tries."""
    return str(seeds_of_commit(REPOSITORY))


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(TEST_VAR, ignore_errors=True)
