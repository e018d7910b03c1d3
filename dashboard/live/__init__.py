"""Websockets, which send updates to open pages."""
