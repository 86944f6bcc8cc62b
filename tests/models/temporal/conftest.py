import jax
import pytest

from vestige.memory import Introspection
from vestige.models.temporal import PlainPosterior, gtmm, vrnn

FRAME = (2, 3)


def introspection(slots=4, **options):
    def make(latent_size, controller_size, *, key):
        return Introspection(latent_size, controller_size, slots=slots, key=key, **options)

    return make


SIZES = {"latent_size": 3, "controller_size": 5, "width": 7}

MODELS = {
    "introspection": lambda key: gtmm(FRAME, introspection(), key=key, **SIZES),
    "introspection, plain": lambda key: gtmm(FRAME, introspection(heads=2), posterior=PlainPosterior, key=key, **SIZES),
    "introspection, rematerialised": lambda key: gtmm(FRAME, introspection(), rematerialise=True, key=key, **SIZES),
    "vrnn latent": lambda key: vrnn(FRAME, key=key, **SIZES),
    "vrnn full": lambda key: vrnn(FRAME, full=True, key=key, **SIZES),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param](jax.random.key(5))


@pytest.fixture
def frames(key):
    return jax.random.bernoulli(jax.random.fold_in(key, 99), 0.4, (8, *FRAME)).astype("float32")
