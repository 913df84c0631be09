"""The chaos runner: breaks the platform under load, and compares its end state with a second, simple implementation."""
