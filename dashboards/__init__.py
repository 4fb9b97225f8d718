"""What people look at: the built-in live page."""
