"""The verdict on gradient estimators."""

from vestige.report.gradients_verdict import gradients_verdict


def quality(variance: float, milliseconds: float, *, biased: bool = False, bias: float = 0.1) -> dict:
    return {
        "biased": biased, "bias": bias, "bias_error": 0.1, "variance": variance, "milliseconds": milliseconds,
    }  # fmt: skip


def test_the_least_variance_and_the_most_for_its_time():
    estimators = {
        "trace": quality(2.0, 1.0), "plus": quality(1.0, 3.0), "relaxed": quality(0.1, 1.0, biased=True, bias=9.0),
    }  # fmt: skip
    found = gradients_verdict({"estimators": estimators})
    assert found.sentence == (
        "Of the unbiased estimators plus varies least. Variance of one estimate: plus 1; next trace 2. "
        "For its time trace is worth most."
    )
    assert found.caveats == () and found.answers[-1].good


def test_a_bias_that_chance_does_not_explain_is_said():
    found = gradients_verdict({"estimators": {"trace": quality(2.0, 1.0, bias=0.5), "plus": quality(1.0, 1.0)}})
    assert found.caveats == ("trace is unbiased by construction and looks biased: a fault, or chance.",)


def test_exact_and_biased_alone():
    exact = gradients_verdict({"estimators": {"exact": quality(0.0, 1.0, bias=0.0)}})
    assert exact.sentence == "Without any variance: exact."
    both = gradients_verdict({"estimators": {"exact": quality(0.0, 1.0, bias=0.0), "plus": quality(1.0, 1.0)}})
    assert [answer.text for answer in both.answers if answer.question == "Exact?"] == ["exact."]
    assert "No unbiased" in gradients_verdict({"estimators": {"r": quality(1.0, 1.0, biased=True)}}).sentence
