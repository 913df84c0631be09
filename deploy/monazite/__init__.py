"""The command line, what composes the others, the embedded servers and the demo."""
