"""What orders achieved, read for reports and charts."""
