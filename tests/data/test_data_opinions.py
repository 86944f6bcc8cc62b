import json

import pytest

from vestige.data import MovieRationales, SentimentTreebank
from vestige.data.opinions import read_rationales, read_sentiment
from vestige.errors import UsageError


def review(**changes):
    return json.dumps({"label": "POS", "text": "a fine film\nindeed", "spans": [[1, 3]], **changes})


def test_reviews_and_their_marks():
    first, second = read_rationales(f"{review()}\n{review(label='NEG', spans=[[0, 1], [0, 2], [3, 3]])}\n", "a.jsonl")
    assert first.words == ("a", "fine", "film", "indeed") and first.positive
    assert first.marked == (False, True, True, False)
    assert not second.positive and second.marked == (True, True, False, False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 cannot be read as JSON"),
        ("[]", "line 2 cannot be read as JSON: it must hold an object"),
        (review(label="1"), "line 2: label should be NEG or POS, got '1'"),
        (review(text="  "), "line 2: text should hold words"),
        (review(text=3), "line 2: text should hold words, got '3'"),
        (review(spans=None), "line 2: spans should be a list, got 'None'"),
        (review(spans=[[1, 5]]), r"line 2: a span should be \[start, end\) within 4 words, got \[1, 5\]"),
        (review(spans=[[2, 1]]), "line 2: a span should be"),
        (review(spans=[[-1, 1]]), "line 2: a span should be"),
        (review(spans=[[0.0, 1]]), "line 2: a span should be"),
        (review(spans=[1]), "line 2: a span should be"),
    ],
)
def test_a_wrong_review_is_named(line, message):
    with pytest.raises(UsageError, match=f"a.jsonl: {message}"):
        read_rationales(f"{review()}\n{line}\n", "a.jsonl")


TREE = "(3 (2 It) (4 (2 's) (4 (3 lovely) (1 (2 not) (0 bad)))))"


def test_words_of_the_same_opinion_are_marked():
    (found,) = read_sentiment(f"{TREE}\n(2 fine)\n", "a.txt")  # the second is neutral as a whole
    assert found.words == ("It", "'s", "lovely", "not", "bad") and found.positive
    assert found.marked == (False, False, True, False, False)
    (negative,) = read_sentiment(f"(1{TREE[2:]}", "a.txt")
    assert not negative.positive and negative.marked == (False, False, False, False, True)


def test_phrases_have_their_own_opinion_and_marks():
    whole, *phrases = read_sentiment(TREE, "a.txt", phrases=2)
    assert whole == read_sentiment(TREE, "a.txt")[0]
    assert [(found.words, found.positive, found.marked) for found in phrases] == [
        (("not", "bad"), False, (False, True)),
        (("lovely", "not", "bad"), True, (True, False, False)),
        (("'s", "lovely", "not", "bad"), True, (False, True, False, False)),
    ]
    assert read_sentiment(TREE, "a.txt", phrases=4) == [whole, phrases[2]]
    assert read_sentiment(f"(2 {TREE} (2 .))", "a.txt", phrases=5) == [whole]  # the sentence itself is neutral


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "it is empty"),
        ("(5 fine)", "a label should be from 0 to 4, got '5'"),
        ("(fine)", "a label should be from 0 to 4, got 'fine'"),
        ("(3 (2 fine)", r"a \) is missing"),
        ("(3 (2 fine)) )", r"it goes on after its end, with '\)'"),
        ("(3 )", "a phrase holds nothing"),
        ("fine", r"it should begin with \(, got 'fine'"),
        ("(3 (2 a) b)", "the word 'b' stands beside other parts of its phrase"),
        ("(3", r"a \) is missing"),
    ],
)
def test_a_wrong_tree_is_named(line, message):
    with pytest.raises(UsageError, match=f"a.txt: line 2 is no tree with labels: {message}"):
        read_sentiment(f"{TREE}\n{line}\n", "a.txt")


def test_nothing_is_refused():
    with pytest.raises(UsageError, match="it holds no review"):
        read_rationales("", "a.jsonl")
    with pytest.raises(UsageError, match="it holds no sentence that is positive or negative"):
        read_sentiment("(2 fine)\n", "a.txt")
    for data in (MovieRationales(), SentimentTreebank()):
        with pytest.raises(UsageError, match=f"{data.name}: there is no 'dev'"):
            data.load("dev")


@pytest.mark.parametrize(
    ("data", "texts", "share"), [(MovieRationales(), 199, 0.303), (SentimentTreebank(), 1821, None)]
)
def test_the_files_have_the_sizes_they_say(data, texts, share, data_folder, monkeypatch):
    """Share of marked words as counted by who collected them (reviews); binary SST has 1,821 test sentences."""
    monkeypatch.setenv("VESTIGE_DATA", str(data_folder))
    if data.missing():
        pytest.skip("the files are not here")
    found = data.load("test")
    assert len(found) == texts
    marked = sum(sum(text.marked) for text in found) / sum(len(text.words) for text in found)
    assert share is None or marked == pytest.approx(share, abs=0.005)
