"""Consumes the plant topics in batches: one batch, one transaction, with the position in it."""
