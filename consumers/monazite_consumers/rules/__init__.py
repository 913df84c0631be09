"""Pure findings: functions of values, without clock, I/O or randomness."""
