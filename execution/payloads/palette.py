"""The answer to a search in the palette."""

from __future__ import annotations

from typing_extensions import TypedDict


class PaletteItem(TypedDict):
    """Something that a person can open: its name, more words about it, and its address."""

    label: str
    detail: str
    url: str


class PaletteGroup(TypedDict):
    """The items of one kind, the best first."""

    name: str
    items: list[PaletteItem]


class PaletteAnswer(TypedDict):
    """All that was found. ``problems`` say why an order in words could not be read."""

    groups: list[PaletteGroup]
    problems: list[str]
