"""The bill of materials: CycloneDX 1.6 as JSON. The same libraries always give the same text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution.verification.supply.installed import Component
from execution.verification.supply.pins import Project


def bill_of_materials(project: Project, installed: Mapping[str, Component]) -> dict[str, Any]:
    own = f"{project.name}@{project.version}"
    needed = {name for one in installed.values() for name in one.needs}
    roots = sorted(_ref(installed[name]) for name in installed if name not in needed)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project.name,
                "version": project.version,
            }
        },
        "components": [_component(one) for one in installed.values()],
        "dependencies": [
            {"ref": own, "dependsOn": roots},
            *(
                {"ref": _ref(one), "dependsOn": sorted(_ref(installed[name]) for name in one.needs)}
                for one in installed.values()
            ),
        ],
    }


def _component(one: Component) -> dict[str, Any]:
    licenses = {"licenses": [{"license": {"name": one.license}}]} if one.license else {}
    return {
        "type": "library",
        "bom-ref": _ref(one),
        "name": one.name,
        "version": one.version,
        "purl": _ref(one),
        **licenses,
    }


def _ref(one: Component) -> str:
    return f"pkg:pypi/{one.name}@{one.version}"
