"""Publishes the outbox, at least once and in order; one active instance."""
