"""What is printed survives its terminal, a closed pipe and a full disk; the cache of programs is one's own."""

import io
import os
import stat
import subprocess
import sys

import pytest

from vestige.cli import main, streams
from vestige.cli.environment import enable_compilation_cache
from vestige.cli.program_cache import DEFAULT_BYTES, distrusted, largest, trim
from vestige.errors import UsageError

LIST = [sys.executable, "-m", "vestige.cli", "list"]
HELP = [sys.executable, "-m", "vestige.cli", "run", "perfect-recall", "--help"]
JSON = [*LIST, "perfect-recall", "--json"]
TABLE = [sys.executable, "-m", "vestige.cli", "data", "list"]

BOTH = pytest.mark.parametrize("command", [LIST, JSON], ids=["list", "json"])


def process(command, redirect="", **environment):
    """Its exit code, output and errors, as a shell runs it."""
    line = f"{' '.join(command)} {redirect}"
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


class TestRedirected:
    """Each in a process of its own: lines that are flushed at once, at the end, and more than a buffer holds."""

    @BOTH
    def test_a_reader_that_stops_reading(self, command):
        code, _, err = process(command, "| head -c 1 > /dev/null")
        assert code in (0, 1) and err == ""

    @BOTH
    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is full")
    def test_a_full_disk(self, command):
        code, _, err = process(command, "> /dev/full")
        assert (code, err) == (1, "vestige: what was printed could not be written: No space left on device\n")

    def test_a_closed_stream(self):
        assert process(LIST, ">&-") == (0, b"", "")

    @pytest.mark.parametrize(("command", "encoding"), [(TABLE, "cp1252"), (HELP, "ascii")])
    def test_another_encoding(self, command, encoding):
        code, out, err = process(command, PYTHONIOENCODING=encoding)
        assert code == 0 and err == ""
        assert len(out.decode(encoding)) > 100


def test_an_error_needs_no_standard_error():
    for redirect in ("2>&-", "2> /dev/full"):
        assert process([*LIST, "nothing"], redirect)[0] == 2


def test_a_closed_descriptor_is_not_given_to_the_next_file(tmp_path):
    """Else what a library prints would end up in a checkpoint."""
    code = "import os\nfrom vestige.cli.streams import prepared\n"
    code += f"with prepared():\n    f = open({str(tmp_path / 'f')!r}, 'w')\n    os.write(1, b'noise')\n"
    code += "    assert f.fileno() > 2\n    f.close()"
    for redirect in (">&-", "<&-", "<&- >&- 2>&-"):
        assert process([sys.executable, "-c", f'"{code}"'], redirect)[0] == 0
        assert (tmp_path / "f").read_text() == ""


@pytest.mark.parametrize(("encoding", "printed"), [("ascii", b"a?- b-"), ("cp1252", b"a\xe9- b\x97"), ("utf-8", None)])
def test_a_character_that_the_encoding_does_not_have_is_replaced(encoding, printed, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline=""))
    with streams.prepared() as output:
        print("aé━ b—", end="")
        assert streams.finish(output, 0) == 0
    assert raw.getvalue() == (printed or "aé━ b—".encode())


def test_standard_output_is_given_back(capsys):
    before = sys.stdout
    with pytest.raises(SystemExit):
        main(["--version"])
    assert sys.stdout is before and "vestige" in capsys.readouterr().out


class Broken:
    """A stream on a device that fails."""

    def write(self, text):
        raise OSError(5, "Input/output error")

    def fileno(self):
        raise ValueError("it has none")

    def flush(self):
        raise OSError(5, "Input/output error")


def test_other_errors_of_the_system_are_not_taken_for_those_of_the_output(monkeypatch, capsys):
    def dispatch(arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vestige.cli.dispatch", dispatch)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 1 and "This should have been a clear message" in capsys.readouterr().err
    output = streams.Output(Broken())
    with pytest.raises(OSError, match="Input/output"):
        output.write("a")
    assert streams.finish(output, 0) == 1 and streams.finish(output, 2) == 2
    assert "vestige: what was printed could not be written: Input/output error" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.")]
)
def test_too_little_memory_is_said(error, monkeypatch, capsys):
    def dispatch(arguments):
        raise error

    monkeypatch.setattr("vestige.cli.dispatch", dispatch)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 1
    err = capsys.readouterr().err
    assert "there is not enough memory for these sizes; choose smaller ones" in err and "should have been" not in err


class TestProgramCache:
    def test_ones_own_folder_is_trusted_and_others_are_not(self, tmp_path, monkeypatch):
        tmp_path.chmod(0o700)
        assert distrusted(tmp_path) == ""
        tmp_path.chmod(0o777)
        assert distrusted(tmp_path) == "may be written by everybody"
        tmp_path.chmod(0o755)
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert "belongs to another user" in distrusted(tmp_path)

    @pytest.fixture
    def set_up(self, tmp_path, monkeypatch):
        """A cache folder by name, and what JAX is told of it."""
        told = {}
        monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.setenv("VESTIGE_COMPILATION_CACHE", "")
        monkeypatch.setattr("jax.config.update", lambda name, value: told.update({name: value}))
        return tmp_path / "cache", told

    def test_a_new_folder_is_for_its_owner_alone(self, set_up, capsys):
        folder, told = set_up
        enable_compilation_cache()
        assert told["jax_compilation_cache_dir"] == str(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and capsys.readouterr().err == ""

    def test_a_folder_that_everybody_writes_is_not_used_and_this_is_said_once(self, set_up, capsys):
        folder, told = set_up
        folder.mkdir()
        folder.chmod(0o777)
        enable_compilation_cache()
        enable_compilation_cache()
        assert told == {"jax_compilation_cache_dir": None} and "JAX_COMPILATION_CACHE_DIR" not in os.environ
        assert (
            capsys.readouterr().err.count("may be written by everybody, so no compiled programs are taken from it") == 1
        )

    def test_the_oldest_programs_are_removed_and_nothing_else(self, tmp_path):
        for i in range(10):
            (tmp_path / f"{i}-cache").write_bytes(bytes(100))
            os.utime(tmp_path / f"{i}-cache", (1000 - i, 1000 - i))
        (tmp_path / "mine.txt").write_bytes(bytes(10_000))
        trim(tmp_path, 1000)
        assert len(list(tmp_path.glob("*-cache"))) == 10
        trim(tmp_path, 800)
        assert sorted(path.name[0] for path in tmp_path.glob("*-cache")) == list("012345")
        assert (tmp_path / "mine.txt").exists()

    def test_how_large_it_may_be(self, monkeypatch):
        assert largest() == DEFAULT_BYTES
        monkeypatch.setenv("VESTIGE_COMPILATION_CACHE_BYTES", "1000")
        assert largest() == 1000
        for wrong in ("1e9", "-1", "2 GB", "٣", "9" * 5000):
            monkeypatch.setenv("VESTIGE_COMPILATION_CACHE_BYTES", wrong)
            with pytest.raises(UsageError, match="must be a number of bytes, such as 2147483648, got"):
                largest()
