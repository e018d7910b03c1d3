"""The shapes of what pages and sockets are sent."""
