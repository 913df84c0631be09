"""The usual ways to write this, each an honest small program: one event a message, no envelopes, no seals."""
