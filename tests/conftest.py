"""What holds for all tests."""

import gc

from hypothesis import settings

# A busy machine is slow, not wrong: time limits are those of the whole run.
settings.register_profile("spoofscope", deadline=None, max_examples=30)
settings.register_profile("campaign", deadline=None, max_examples=3_000)
settings.load_profile("spoofscope")


def pytest_make_parametrize_id(val, argname):
    """Name bytes by their place: packed bytes hold the time, and workers must collect the same."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_finish():
    """Spare the collector what is loaded: Streamlit has it look at all after each run of a page."""
    gc.collect()
    gc.freeze()
