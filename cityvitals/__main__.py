"""`python -m cityvitals` is the `cityvitals` command."""

from cityvitals.main import main

main()
