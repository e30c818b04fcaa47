"""What holds for all tests."""

import gc

import pytest
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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a worker whole files, and one of them all that share a browser, as collected."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return "browser" if "/browser/" in nodeid else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)
