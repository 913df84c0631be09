"""`python -m monazite`."""

from monazite.cli import main

main()
