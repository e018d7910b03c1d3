"""``python -m execution.paper.coinbase FOLDER --key KEY``: the private key that ccxt signs with for an account."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from execution.paper.coinbase.signing import private_pem


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m execution.paper.coinbase", description=__doc__)
    parser.add_argument("folder", type=Path, help="the exchange's folder, with accounts.json")
    parser.add_argument("--key", required=True, help="which account")
    options = parser.parse_args(arguments)
    for entry in json.loads((options.folder / "accounts.json").read_text(encoding="utf-8")):
        if entry["key"] == options.key:
            sys.stdout.write(private_pem(entry["secret"]))
            return
    parser.error(f"accounts.json has no key {options.key[:40]!r}")


if __name__ == "__main__":
    main()
