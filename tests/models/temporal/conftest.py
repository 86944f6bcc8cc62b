import functools

import jax
import pytest

from tests.drawn import drawn
from vestige.memory import DNC, Attention, Introspection
from vestige.models.temporal import AddressedPosterior, PlainPosterior, gtmm, mixture, vrnn

FRAME = (2, 3)


def introspection(slots=4, **options):
    def make(latent_size, controller_size, *, key):
        return Introspection(latent_size, controller_size, slots=slots, key=key, **options)

    return make


def dnc(latent_size, controller_size, *, key):
    return DNC(latent_size, controller_size, slots=4, word_size=6, heads=2, key=key)


def attention(latent_size, controller_size, *, key):
    return Attention(latent_size, controller_size, slots=4, key_size=5, key=key)


SIZES = {"latent_size": 3, "controller_size": 5, "width": 7}

OF_EACH_KIND = {"introspection", "introspection, mixture", "dnc", "attention", "vrnn latent"}
"""The others are options of these, and slow."""

MODELS = {
    "introspection": lambda key: gtmm(FRAME, introspection(), key=key, **SIZES),
    "introspection, plain": lambda key: gtmm(FRAME, introspection(heads=2), posterior=PlainPosterior, key=key, **SIZES),
    "introspection, rematerialised": lambda key: gtmm(FRAME, introspection(), rematerialise=True, key=key, **SIZES),
    "introspection, mixture": lambda key: gtmm(
        FRAME, introspection(), prior=mixture, posterior=AddressedPosterior, key=key, **SIZES
    ),
    "dnc, mixture": lambda key: gtmm(FRAME, dnc, prior=mixture, posterior=PlainPosterior, key=key, **SIZES),
    "dnc": lambda key: gtmm(FRAME, dnc, key=key, **SIZES),
    "dnc, full": lambda key: gtmm(FRAME, dnc, transition_sees_frame=True, key=key, **SIZES),
    "attention": lambda key: gtmm(FRAME, attention, key=key, **SIZES),
    "vrnn latent": lambda key: vrnn(FRAME, key=key, **SIZES),
    "vrnn full": lambda key: vrnn(FRAME, full=True, key=key, **SIZES),
}


@functools.cache
def made(name):
    return drawn(MODELS[name], seed=5)


@pytest.fixture(params=[n if n in OF_EACH_KIND else pytest.param(n, marks=pytest.mark.slow) for n in MODELS])
def model(request):
    return made(request.param)


@pytest.fixture
def frames(key):
    return jax.random.bernoulli(jax.random.fold_in(key, 99), 0.4, (8, *FRAME)).astype("float32")
