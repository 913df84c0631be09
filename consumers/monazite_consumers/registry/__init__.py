"""The registry: read from declarative files, checked, compared with what is in force, applied in one transaction."""
