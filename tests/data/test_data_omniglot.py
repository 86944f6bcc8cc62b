import errno
import hashlib
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from vestige.data import Omniglot, OmniglotPart
from vestige.data.box import shrink
from vestige.errors import RunError, UsageError

CLOSED = "http://127.0.0.1:9/"
NPZ = "omniglot_28x28.npz"


def drawing(seed: int) -> np.ndarray:
    """A random drawing, bool (105, 105), True = ink."""
    coarse = np.random.default_rng(seed).random((21, 21)) < 0.3
    return np.kron(coarse, np.ones((5, 5), bool)).astype(bool)


def png(ink: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(~ink).save(out, "PNG")
    return out.getvalue()


def archive(prefix: str, alphabets: dict[str, list[int]], drawers: int = 2) -> bytes:
    """A zip in the original layout; `alphabets` gives the character numbers (from 1) of each."""
    names = [
        (f"images_{prefix}/{alphabet}/character{k + 1:02d}/{number:04d}_{drawer + 1:02d}.png", number, drawer)
        for alphabet, numbers in alphabets.items()
        for k, number in enumerate(numbers)
        for drawer in range(drawers)
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("__MACOSX/._images", b"junk")
        for name, number, drawer in reversed(names):
            zipped.writestr(zipfile.ZipInfo(name), png(drawing(100 * number + drawer)))
    return out.getvalue()


# Greek comes before Latin, but Latin's characters have the smaller numbers, as some alphabets do.
ARCHIVES = {
    "background": archive("background", {"Latin": [1, 2], "Greek": [3]}),
    "evaluation": archive("evaluation", {"Ulog": [4, 5]}),
}
NUMBERS = {"background": [3, 3, 1, 1, 2, 2], "evaluation": [4, 4, 5, 5]}


def expected_images(prefix: str) -> np.ndarray:
    big = [Image.fromarray((drawing(100 * n + i % 2) * 255).astype(np.uint8)) for i, n in enumerate(NUMBERS[prefix])]
    return np.stack([np.asarray(image.resize((28, 28), Image.Resampling.BOX)) for image in big])


def part(prefix: str, first: int, classes: int, sha256: str | None = None) -> OmniglotPart:
    labels = np.array(NUMBERS[prefix], "<i4") - 1
    right = hashlib.sha256(expected_images(prefix).tobytes() + labels.tobytes()).hexdigest()
    md5 = hashlib.md5(ARCHIVES[prefix]).hexdigest()
    return OmniglotPart(
        prefix, f"images_{prefix}.zip", md5, len(ARCHIVES[prefix]), first, classes, sha256 or right, drawers=2
    )


def small_omniglot(*mirrors: str, sha256: str | None = None) -> Omniglot:
    parts = part("background", 0, 3, sha256), part("evaluation", 3, 2)
    return Omniglot(mirrors=mirrors or (CLOSED,), parts=parts)


def arrays() -> dict[str, np.ndarray]:
    found = {}
    for prefix, numbers in NUMBERS.items():
        found[f"{prefix}_images"] = expected_images(prefix)
        found[f"{prefix}_class"] = np.array(numbers, np.uint16) - 1
    return found


def put(folder, **changes: np.ndarray | None):
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: array for name, array in (arrays() | changes).items() if array is not None}
    np.savez_compressed(folder / NPZ, **kept)  # type: ignore[arg-type]
    return folder / NPZ


def serve(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, data in ARCHIVES.items():
        (folder / f"images_{prefix}.zip").write_bytes(data)


def test_the_file_of_the_given_folder_is_read(given):
    path = put(given / "omniglot")
    data = small_omniglot()
    train, test = data.load("train"), data.load("test")
    assert train.labels.tolist() == [2, 2, 0, 0, 1, 1]
    assert test.labels.tolist() == [3, 3, 4, 4]
    assert test.labels.dtype == np.int32
    np.testing.assert_array_equal(train.images, expected_images("background"))
    assert data.missing() == []
    assert data.found() == str(given / "omniglot")
    assert data.get() == data.check()
    assert data.check()[0] == (f"omniglot: {path} has 6 background images of 3 classes, checksum right.")


def test_the_archives_are_downloaded_converted_and_removed(given, cache, server, files_in):
    serve(server.root)
    data = small_omniglot(server.url)
    sentences = data.get()
    assert sentences[0] == f"omniglot: made {cache / 'omniglot' / NPZ} from the original archives."
    assert files_in(cache) == [f"omniglot/{NPZ}"]
    assert files_in(given) == []
    np.testing.assert_array_equal(data.load("train").images, expected_images("background"))
    assert data.load("test").labels.tolist() == [3, 3, 4, 4]
    assert len(server.requested) == 2
    with np.load(cache / "omniglot" / NPZ, allow_pickle=False) as made:
        assert made["background_alphabet_names"].tolist() == ["Greek", "Latin"]
        assert made["background_alphabet"].tolist() == [0, 0, 1, 1, 1, 1]
        assert made["background_character"].tolist() == [0, 0, 0, 0, 1, 1]
        assert made["background_drawer"].tolist() == [0, 1, 0, 1, 0, 1]
        assert made["evaluation_class"].dtype == np.uint16


def test_loading_makes_the_file_if_need_be(cache, server):
    serve(server.root)
    assert len(small_omniglot(server.url).load("test")) == 4
    assert len(small_omniglot(CLOSED).load("train")) == 6


def test_archives_put_in_place_by_hand_are_used_and_kept(given, cache, files_in):
    serve(given / "omniglot")
    assert len(small_omniglot().load("train")) == 6
    assert len(files_in(given)) == 2
    assert files_in(cache) == [f"omniglot/{NPZ}"]


def test_offline_one_message_says_what_goes_where(cache, files_in):
    with pytest.raises(UsageError) as caught:
        small_omniglot().load("train")
    text = str(caught.value)
    assert "images_background.zip: no connection" in text
    assert f"copy into {cache / 'omniglot'}\n  images_background.zip (" in text
    assert "FOLDER/omniglot/<file>" in text
    assert NPZ in text
    assert files_in(cache) == []


def test_check_never_downloads(cache, server):
    serve(server.root)
    with pytest.raises(UsageError, match=r"omniglot_28x28\.npz is not here. Run `vestige data get omniglot`"):
        small_omniglot(server.url).check()
    assert server.requested == []


def test_a_download_with_another_checksum_is_not_kept(cache, server, files_in):
    serve(server.root)
    (server.root / "images_background.zip").write_bytes(ARCHIVES["background"] + b"0")
    with pytest.raises(UsageError, match=r"images_background.zip: its MD5 is .*, expected"):
        small_omniglot(server.url).get()
    assert files_in(cache) == []


def test_an_archive_by_hand_with_another_checksum_is_refused(given, cache):
    serve(given / "omniglot")
    path = given / "omniglot" / "images_evaluation.zip"
    path.write_bytes(ARCHIVES["evaluation"][:-5])
    with pytest.raises(UsageError, match=r"its MD5 is .*, expected .*\. Delete it and run `vestige data get"):
        small_omniglot().get()


def test_a_conversion_that_goes_wrong_writes_nothing(given, cache, files_in):
    serve(given / "omniglot")
    with pytest.raises(RunError, match="has the right MD5, but what was made of it is wrong: the SHA-256"):
        small_omniglot(sha256="0" * 64).get()
    assert files_in(cache) == []


def zipped(**entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in entries.items():
            archive.writestr(f"images_background/Latin/character01/{name}.png", data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"no zip", "it is not a sound zip file"),
        (ARCHIVES["background"][:2000], "it is not a sound zip file"),
        (zipped(other=b""), "it has no <alphabet>/character<k>"),
        (zipped(**{"0001_01": b"no png"}), r"its entry .*0001_01.png is not a readable PNG"),
        (zipped(**{"0001_01": png(drawing(0))[:150]}), r"its entry .*0001_01.png is not a readable PNG"),
        (zipped(**{"0001_01": png(drawing(0)[:5])}), r"has \(5, 105\) pixels, expected \(105, 105\)"),
    ],
)
def test_an_archive_with_other_content_is_refused(content, complaint, cache, monkeypatch):
    (cache / "omniglot").mkdir(parents=True)
    (cache / "omniglot" / "images_background.zip").write_bytes(content)
    monkeypatch.setattr("vestige.data.omniglot.verify_archive", lambda path, md5: None)
    with pytest.raises(UsageError, match=complaint):
        small_omniglot().get()


IMAGES, CLASSES = arrays()["background_images"], arrays()["background_class"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"background_class": None}, "it has no array background_class, only"),
        ({"background_images": None, "background_class": None}, "background_images or background_class"),
        ({"background_images": IMAGES[:5]}, r"images are uint8 \(5, 28, 28\), expected uint8 \(6, 28, 28\)"),
        ({"background_images": IMAGES.astype(np.float32)}, "images are float32"),
        ({"background_class": CLASSES[:5]}, r"classes are uint16 \(5,\), expected integers \(6,\)"),
        ({"background_class": CLASSES.astype(float)}, "classes are float64"),
        ({"background_class": CLASSES + 1}, "classes go from 1 to 3, 2 to 2 times each, expected 0 to 2"),
        ({"background_class": CLASSES[[0, 0, 0, 3, 4, 5]]}, "1 to 3 times each, expected 0 to 2, 2 times"),
        ({"background_class": CLASSES[::-1]}, "the SHA-256 of its background images and classes is"),
        ({"background_images": IMAGES ^ 1}, "the SHA-256 of its background images and classes is"),
        ({"background_images": np.array([{}])}, "its array 'background_images' holds Python objects"),
    ],
)
def test_a_file_with_other_arrays_is_refused(changes, complaint, given):
    path = put(given / "omniglot", **changes)
    for ask in (lambda: small_omniglot().load("train"), small_omniglot().check):
        with pytest.raises(UsageError, match=complaint) as caught:
            ask()
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).endswith("Delete it and run `vestige data get omniglot`.")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut", b"\x80\x04pickle"])
def test_a_file_that_is_no_npz_is_refused(content, given):
    put(given / "omniglot").write_bytes(content)
    with pytest.raises(UsageError, match="not a sound npz file"):
        small_omniglot().load("test")


def test_a_lone_npy_file_is_refused(given):
    with open(put(given / "omniglot"), "wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(UsageError, match="it is an .npy file under another name"):
        small_omniglot().load("test")


def test_random_damage_to_a_file_is_never_a_traceback(given):
    path = put(given / "omniglot")
    sound, rng = path.read_bytes(), np.random.default_rng(2)
    for trial in range(300):
        data = bytearray(sound)
        if trial % 3 == 0:
            data = data[: rng.integers(len(data))]
        else:
            for at in rng.integers(0, len(data), 3):
                data[at] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        try:
            images = small_omniglot().load("train").images
        except UsageError:
            continue
        np.testing.assert_array_equal(images, IMAGES)


def test_a_full_disk_while_the_file_is_written_is_a_run_error(given, cache, monkeypatch, files_in):
    serve(given / "omniglot")

    def fill(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fill)
    with pytest.raises(RunError, match=r"omniglot_28x28.npz could not be written: No space left on device"):
        small_omniglot().get()
    assert files_in(cache) == []


@pytest.mark.parametrize(("side", "size"), [(105, 28), (8, 8), (9, 3), (10, 4), (7, 1)])
def test_shrink_is_the_box_filter_of_pillow(side, size):
    images = np.random.default_rng(3).integers(0, 256, (4, side, side), np.uint8)
    expected = [np.asarray(Image.fromarray(i).resize((size, size), Image.Resampling.BOX)) for i in images]
    np.testing.assert_array_equal(shrink(images, size), np.stack(expected))


def test_shrink_to_a_divisor_is_the_mean_of_whole_blocks():
    ink = np.zeros((1, 4, 4), np.uint8)
    ink[0, 0] = [255, 255, 255, 0]
    assert shrink(ink, 2).tolist() == [[[128, 64], [0, 0]]]


def test_shrink_never_enlarges():
    with pytest.raises(ValueError, match="cannot make"):
        shrink(np.zeros((1, 4, 4), np.uint8), 5)


@pytest.fixture
def real(data_folder, cache, monkeypatch):
    monkeypatch.setenv("VESTIGE_DATA", str(data_folder))
    if Omniglot().missing():
        pytest.skip(f"no Omniglot in {data_folder}")
    return data_folder / "omniglot"


def test_the_real_omniglot(real):
    train, test = Omniglot().load("train"), Omniglot().load("test")
    assert train.images.shape == (19_280, 28, 28)
    assert test.images.shape == (13_180, 28, 28)
    assert set(train.labels.tolist()) == set(range(964))
    assert set(test.labels.tolist()) == set(range(964, 1623))
    assert 0.05 < train.images.mean() / 255 < 0.15
    assert len(Omniglot().check()) == 2


def test_shrink_makes_the_real_small_images_of_the_real_large_ones(real):
    path = real / "omniglot_105x105_bits.npz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with np.load(path, allow_pickle=False) as large, np.load(real / NPZ, allow_pickle=False) as small:
        for prefix in ("background", "evaluation"):
            rows = slice(None, None, 67)
            bits = np.unpackbits(large[f"{prefix}_bits"][rows], axis=1, count=11025).reshape(-1, 105, 105)
            np.testing.assert_array_equal(shrink(bits * np.uint8(255), 28), small[f"{prefix}_images"][rows])
