import pytest

from vestige.data import EnglishEWT, read_conllu
from vestige.errors import UsageError


def line(number, word, head, tag="NOUN"):
    return "\t".join([str(number), word, "_", tag, "_", "_", str(head), "dep", "_", "_"])


GOOD = "\n".join(
    [
        "# text = Don't go",
        "1-2\tDon't" + 8 * "\t_",
        line(1, "Do", 3, "AUX"),
        line(2, "n't", 3, "PART"),
        line(3, "go", 0, "VERB"),
        "3.1\tthere" + 8 * "\t_",
        "",
        "",
        line(1, "Yes", 0, "INTJ"),
    ]
)


def test_words_are_read_and_what_is_no_word_is_left_out():
    first, second = read_conllu(GOOD, "a.conllu")
    assert first.words == ("Do", "n't", "go") and first.tags == ("AUX", "PART", "VERB") and first.heads == (3, 3, 0)
    assert second.words == ("Yes",) and second.heads == (0,)  # a sentence of one word, without a blank line at the end


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1\tone\ttwo"], "line 3 should have 10 columns with a tab between them, got 3"),
        ([line(2, "a", 0)], "line 3: the number should be 1, got '2'"),
        ([line("x", "a", 0)], "line 3: the number should be 1, got 'x'"),
        ([line(1, "a", 0), line(1, "b", 1)], "line 4: the number should be 2, got '1'"),
        ([line(1, " ", 0)], "line 3: the word is empty"),
        ([line(1, "a", "_")], "line 3: the head should be another word from 1 to 1 or 0, got '_'"),
        ([line(1, "a", 2)], "line 3: the head should be another word from 1 to 1 or 0, got '2'"),
        ([line(1, "a", -1)], "line 3: the head should be another word from 1 to 1 or 0, got '-1'"),
        ([line(1, "a", 0), line(2, "b", 2)], "line 4: the head should be another word .* got '2'"),
        ([line(1, "a", 0), line(2, "b", 0)], "line 3: the sentence that begins here should have one root, got 2"),
        ([line(1, "a", 0), line(2, "b", 3), line(3, "c", 2)], "line 4: its word does not hang on the root"),
        ([line("1-1", "a", "_"), line(1, "a", 0)], "line 3: the token 1-1 should begin with word 1 and hold more"),
        ([line("2-3", "a", "_"), line(1, "a", 0)], "line 3: the token 2-3 should begin with word 1"),
        ([line(1, "a", 0), line("2.1", "b", "_")], "line 4: the empty node 2.1 should follow word 2"),
    ],
)
def test_a_wrong_line_is_named(lines, message):
    text = "\n".join([line(1, "Yes", 0), "", *lines, ""])
    with pytest.raises(UsageError, match=f"a.conllu: {message}"):
        read_conllu(text, "a.conllu")


def test_a_file_without_sentences_is_refused():
    for text in ("", "# nothing\n\n"):
        with pytest.raises(UsageError, match="a.conllu: it holds no sentence"):
            read_conllu(text, "a.conllu")
    with pytest.raises(UsageError, match="ud_english_ewt: there is no 'tests'. Did you mean 'test'"):
        EnglishEWT().load("tests")


@pytest.mark.slow
def test_the_treebank_has_the_sizes_it_says(data_folder, monkeypatch):
    monkeypatch.setenv("VESTIGE_DATA", str(data_folder))
    data = EnglishEWT()
    if data.missing():
        pytest.skip("the files are not here")
    for part, sentences, words in (("dev", 2001, 25147), ("test", 2077, 25094)):
        found = data.load(part)
        assert len(found) == sentences and sum(len(sentence.words) for sentence in found) == words
