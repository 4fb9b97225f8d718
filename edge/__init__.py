"""What a lamp-post device installs, and the contract that every room shares."""
