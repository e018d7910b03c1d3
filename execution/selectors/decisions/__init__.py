"""What a driver and a session read before they act."""
