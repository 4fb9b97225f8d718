"""The front door: the `cityvitals` command."""

__version__ = "0.1.0"
