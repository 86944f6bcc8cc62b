import pytest

from vestige.cli import main


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Call the command line in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return exit_.value.code or 0, printed.out, printed.err

    return call
