"""What the settings make of the process environment."""

from __future__ import annotations

import pytest

from config.environment import host_names


def test_hosts_are_names_in_small_letters() -> None:
    written = [" Paper.example.com", "10.0.0.7", "fd00::7", ""]
    assert host_names("TRANCHE_PAPER_HOSTS", written) == {"paper.example.com", "10.0.0.7", "fd00::7"}
    assert host_names("TRANCHE_PAPER_HOSTS", []) == frozenset()


@pytest.mark.parametrize(
    "written", ["http://a.example.com", "a.example.com:80", "a/b", "*", ".example.com", "a b"]
)
def test_what_is_not_the_name_of_a_host_stops_the_start(written: str) -> None:
    with pytest.raises(ValueError, match=r"TRANCHE_PAPER_HOSTS has .* names of hosts"):
        host_names("TRANCHE_PAPER_HOSTS", [written])
