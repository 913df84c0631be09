"""Answers where a lot came from and what became of it: its chain, its papers, and where everything is now."""
