"""Alerts: raised, grouped, escalated and ended by the watcher, acknowledged and owned by people, and sent."""
