"""The deciding transaction: read, decide by pure rules, write, tell. Intake, watch, registry and rebuild all use it."""
