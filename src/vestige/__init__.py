"""Learning from sequences and structures when plain back-propagation is the wrong tool.

The rooms, from the ground up: `data`, `sequences`, `structures`, `estimators`, `memory`, `cells`, `models`,
`calibration`, `rules`, `tasks`, `training`, `online`, `experiments`, `runs`, `learners`, `report`, `cli`. A package
imports only from those before it. Names are resolved when they are used: importing `vestige` imports nothing.
"""


def __getattr__(name: str) -> object:
    import lazy_loader

    get, _, names = lazy_loader.attach_stub(__name__, __file__)
    return names if name == "__all__" else get(name)


def __dir__() -> list[str]:
    return list(__getattr__("__all__"))  # pyright: ignore[reportArgumentType]
