"""The demo: a year of volume control, day by day, on real servers, held against the simulator's own account."""
