"""Websockets: what open pages are sent."""
