"""Follows intake: who holds which lot, where it comes from, and who owes an answer; one active instance."""
