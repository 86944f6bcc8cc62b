import errno
import gzip
import hashlib
import os
import struct

import numpy as np
import pytest

from vestige.data import MNIST, IdxFile
from vestige.errors import RunError, UsageError

CLOSED = "http://127.0.0.1:9/"  # the discard port, on which nothing listens


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def tiny() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte.gz": rng.integers(0, 256, (6, 28, 28), np.uint8),
        "train-labels-idx1-ubyte.gz": np.array([5, 0, 4, 1, 9, 2], np.uint8),
        "t10k-images-idx3-ubyte.gz": rng.integers(0, 256, (3, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte.gz": np.array([7, 2, 1], np.uint8),
    }


IMAGES = "train-images-idx3-ubyte.gz"


def small_mnist(*mirrors: str, arrays: dict[str, np.ndarray] | None = None) -> MNIST:
    files = [
        IdxFile(name, array.shape, hashlib.sha256(idx(array)).hexdigest(), 100)
        for name, array in (arrays or tiny()).items()
    ]
    return MNIST(mirrors=mirrors or (CLOSED,), files=tuple(files))  # type: ignore[arg-type]


def put(folder, arrays=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (arrays or tiny()).items():
        (folder / name).write_bytes(gzip.compress(idx(array)))


def test_files_of_the_given_folder_are_read(given):
    put(given / "mnist")
    data = small_mnist()
    train, test = data.load("train"), data.load("test")
    np.testing.assert_array_equal(train.images, tiny()[IMAGES])
    assert train.labels.tolist() == [5, 0, 4, 1, 9, 2]
    assert test.labels.dtype == np.int32
    assert test.labels.tolist() == [7, 2, 1]
    assert data.missing() == []
    assert data.found() == str(given / "mnist")
    assert len(data.check()) == len(data.get()) == 4


def test_a_file_the_given_folder_lacks_comes_from_the_cache(given, cache):
    put(given / "mnist")
    (given / "mnist" / IMAGES).unlink()
    assert small_mnist().missing() == [IMAGES]
    put(cache / "mnist")
    assert small_mnist().load("train").images.shape == (6, 28, 28)
    assert small_mnist().found() == f"{cache / 'mnist'}, {given / 'mnist'}"


def test_what_is_missing_is_downloaded_once_and_into_the_cache_only(given, cache, server, files_in):
    put(server.root)
    data = small_mnist(server.url)
    assert data.load("test").labels.tolist() == [7, 2, 1]
    assert files_in(cache) == ["mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz"]
    assert [s.split(" to ")[0] for s in data.get()[:2]] == [
        "mnist: downloaded train-images-idx3-ubyte.gz",
        "mnist: downloaded train-labels-idx1-ubyte.gz",
    ]
    assert len(data.get()) == 4
    assert len(server.requested) == 4
    assert files_in(given) == []


def test_the_next_mirror_serves_what_the_first_has_not_or_has_wrong(cache, server, files_in):
    (server.root / "bad").mkdir()
    (server.root / "bad" / IMAGES).write_bytes(b"<html>please log in</html>")
    put(server.root / "good")
    data = small_mnist(CLOSED, server.url + "bad", server.url + "good/")
    assert len(data.load("train")) == 6
    assert files_in(cache) == ["mnist/train-images-idx3-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz"]


def test_offline_one_message_says_what_goes_where(cache, server, files_in):
    with pytest.raises(UsageError) as caught:
        small_mnist(CLOSED, server.url).load("train")
    text = str(caught.value)
    assert f"{CLOSED}{IMAGES}: no connection" in text
    assert f"{server.url}{IMAGES}: the server answered 404" in text
    assert f"copy into {cache / 'mnist'}\n" in text
    assert "t10k-labels-idx1-ubyte.gz (0.1 kB)" in text
    assert "VESTIGE_DATA=FOLDER" in text
    assert "FOLDER/mnist/<file>" in text
    assert files_in(cache) == []


def test_wrong_bytes_from_every_mirror_leave_nothing_behind(cache, server, files_in):
    put(server.root, {IMAGES: tiny()[IMAGES] ^ 1})
    with pytest.raises(UsageError, match="SHA-256 of its decompressed bytes is"):
        small_mnist(server.url).load("train")
    assert files_in(cache) == []


def test_check_never_downloads(cache, server):
    put(server.root)
    with pytest.raises(UsageError, match=r"train-images.* is not here. Run `vestige data get mnist`"):
        small_mnist(server.url).check()
    assert server.requested == []


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def changed(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flat[-1] ^= 1
    return array


IMAGE_BYTES = idx(tiny()[IMAGES])
DAMAGE = {
    "truncated": (cut(gzip.compress(IMAGE_BYTES)), "it is cut short"),
    "empty": (b"", "its magic number is 0, expected 2051"),
    "no gzip": (IMAGE_BYTES, "it is not a sound gzip file"),
    "broken stream": (gzip.compress(IMAGE_BYTES)[:10] + b"\xff" * 50, "it is not a sound gzip file"),
    "magic": (gzip.compress(idx(np.zeros(3, np.uint8))), "its magic number is 2049, expected 2051"),
    "header": (gzip.compress(IMAGE_BYTES[:9]), "it has 9 decompressed bytes, expected 4720"),
    "count": (gzip.compress(idx(tiny()[IMAGES][:5])), r"its shape is \(5, 28, 28\), expected \(6, 28, 28\)"),
    "short": (gzip.compress(IMAGE_BYTES[:-7]), "it has 4713 decompressed bytes, expected 4720"),
    "long": (gzip.compress(IMAGE_BYTES + b"0" * 99), "it has more decompressed bytes, expected 4720"),
    "checksum": (
        gzip.compress(idx(changed(tiny()[IMAGES]))),
        f"SHA-256 of its decompressed bytes is {hashlib.sha256(idx(changed(tiny()[IMAGES]))).hexdigest()}, "
        f"expected {hashlib.sha256(IMAGE_BYTES).hexdigest()}",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_named_with_what_is_wrong_and_the_way_out(kind, given):
    data, complaint = DAMAGE[kind]
    put(given / "mnist")
    path = given / "mnist" / IMAGES
    path.write_bytes(data)
    for ask in (lambda: small_mnist().load("train"), small_mnist().check, small_mnist().get):
        with pytest.raises(UsageError, match=complaint) as caught:
            ask()
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).endswith("Delete it and run `vestige data get mnist`.")
        assert caught.value.__suppress_context__
    assert path.read_bytes() == data


def test_random_damage_to_a_file_is_never_a_traceback(given):
    put(given / "mnist")
    path = given / "mnist" / IMAGES
    sound, rng = path.read_bytes(), np.random.default_rng(1)
    for _ in range(200):
        data = bytearray(sound)
        for at in rng.integers(0, len(data), 3):
            data[at] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        try:
            images = small_mnist().load("train").images
        except UsageError:
            continue
        np.testing.assert_array_equal(images, tiny()[IMAGES])  # only the gzip header was hit


def test_labels_out_of_range_are_refused(given):
    arrays = tiny() | {"train-labels-idx1-ubyte.gz": np.array([5, 0, 4, 1, 10, 2], np.uint8)}
    put(given / "mnist", arrays)
    with pytest.raises(UsageError, match=r"labels go up to 10, expected 0\.\.9"):
        small_mnist(arrays=arrays).load("train")


def test_a_file_that_may_not_be_read_is_refused(given, monkeypatch):
    put(given / "mnist")

    def denied(*args):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("gzip.open", denied)
    with pytest.raises(UsageError, match=r"train-images.*: it cannot be read \(Permission denied\)"):
        small_mnist().load("train")


def test_a_cache_that_cannot_be_made_is_a_run_error(cache, server):
    put(server.root)
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(RunError, match=r"train-images.* could not be written: .*XDG_CACHE_HOME"):
        small_mnist(server.url).load("train")


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "Permission denied")],
)
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_full_disk_or_a_denied_write_is_a_run_error_and_leaves_nothing(
    error, moment, cache, server, monkeypatch, files_in
):
    put(server.root)

    def fail(*args):
        raise error

    monkeypatch.setattr(os, moment, fail)
    with pytest.raises(RunError, match=f"could not be written: {error.strerror}. Nothing was left behind"):
        small_mnist(server.url).get()
    assert files_in(cache) == []


def test_a_disk_that_fills_up_during_the_download_leaves_nothing(cache, server, monkeypatch, files_in):
    import pooch

    def fill(self, url, file, pooch):
        file.write(b"half")
        file.flush()
        assert len(files_in(cache)) == 1
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", fill)
    with pytest.raises(RunError, match="No space left on device"):
        small_mnist(server.url).get()
    assert files_in(cache) == []


def test_an_interrupted_download_leaves_nothing(cache, server, monkeypatch, files_in):
    import pooch

    def interrupt(self, url, file, pooch):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        small_mnist(server.url).get()
    assert files_in(cache) == []


def test_the_real_mnist(data_folder, cache, monkeypatch):
    monkeypatch.setenv("VESTIGE_DATA", str(data_folder))
    data = MNIST()
    if data.missing():
        pytest.skip(f"no MNIST in {data_folder}")
    train, test = data.load("train"), data.load("test")
    assert train.images.shape == (60_000, 28, 28)
    assert test.images.shape == (10_000, 28, 28)
    assert train.labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert len(data.check()) == 4
