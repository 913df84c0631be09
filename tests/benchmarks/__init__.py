"""The measuring instrument: `python -m benchmarks` with `tests` on the path, or `make bench`."""
