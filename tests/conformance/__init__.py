"""One suite a contract, generated from its registry: a part that is registered is tested, those of plugins too."""
