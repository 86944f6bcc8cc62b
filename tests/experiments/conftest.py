from tests.running import few_sequences, how, tiny  # noqa: F401
