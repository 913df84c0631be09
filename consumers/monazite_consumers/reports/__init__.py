"""Closes months: reads their sums out of one snapshot, stores a statement for everybody, announces it."""
