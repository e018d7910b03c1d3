"""The shapes of the JSON that pages, sockets and the API send, each declared once."""
