"""Generates what the contracts page ships: schemas, examples, AsyncAPI, topics, test vectors. No plant loads this."""
