"""What must hold of every order: the product's own checks, which the seeded simulation makes as well."""

from __future__ import annotations

from execution.management.faults.invariants import COMES_BACK, check_final, check_order

__all__ = ["COMES_BACK", "check_final", "check_order"]
