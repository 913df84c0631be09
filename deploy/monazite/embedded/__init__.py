"""A real Kafka and a real PostgreSQL as child processes, without Docker: for `monazite up`, the demo and the tests."""
