"""Driven by the clock, not by messages: what settles, what takes effect; one active instance."""
