"""Where a study is kept: a journal in its folder, or a database that many machines share."""

from pathlib import Path
from typing import Any, NamedTuple

from vestige.errors import UsageError, shown
from vestige.storage.results import JOURNAL


class Place(NamedTuple):
    """A study, as every process finds it."""

    storage: str
    """The path of a journal file, or the URL of a database."""
    name: str

    @classmethod
    def of(cls, storage: str | None, name: str, folder: Path) -> "Place":
        """That of the study in `folder`.

        **Arguments:**

        - `storage`: the URL of a database; None: a journal in the folder.
        - `name`: of the study among others in a database.
        - `folder`: of the study.

        **Raises:** `UsageError` for what is no URL, and where a password stands in it.
        """
        if storage is None:
            return cls(str((folder / JOURNAL).absolute()), name)
        head, scheme, rest = storage.partition("://")
        if not scheme or not head:
            raise UsageError(
                f"--storage must be the URL of a database, such as postgresql+psycopg://user@host/studies; got "
                f"'{shown(storage)}'. Leave it out for a file in the study's folder"
            )
        if ":" in rest.partition("/")[0].rpartition("@")[0]:
            raise UsageError(
                "--storage must hold no password: the command is written into every run folder. Leave the password to "
                "~/.pgpass or PGPASSWORD (PostgreSQL), or an option file (MySQL)"
            )
        return cls(storage, name)

    def connect(self) -> Any:
        """The storage, for Optuna.

        **Raises:** `UsageError` where Optuna or the driver of the database is not installed, or the database does not
        answer.
        """
        optuna = need_optuna()
        if "://" not in self.storage:
            from optuna.storages.journal import JournalFileBackend

            return optuna.storages.JournalStorage(JournalFileBackend(self.storage))
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool  # minutes lie between two uses: a connection that is kept may be gone

        try:
            return optuna.storages.RDBStorage(self.storage, engine_kwargs={"poolclass": NullPool})
        except ImportError as error:
            raise UsageError(
                f"--storage {self.storage}: its driver is not installed ({error}). For PostgreSQL: pip install "
                "'vestige[tune]' 'psycopg[binary]', and a URL that begins with postgresql+psycopg://"
            ) from error
        except (SQLAlchemyError, ValueError) as error:
            said = shown((str(error).strip().splitlines() or [""])[0], 300)
            raise UsageError(f"--storage {self.storage}: the database does not answer, or refuses: {said}") from error


def need_optuna() -> Any:
    """The module, quiet. **Raises:** `UsageError` where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise UsageError("vestige tune needs Optuna, which is not installed: pip install 'vestige[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
