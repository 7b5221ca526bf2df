"""The shipped knobs of propensity, quick ones; each test has its own horizon, hence its own model in a shared store."""

import itertools

import pytest

from wayprint.propensity.settings import PropensitySettings
from wayprint.settings import conf_folder, read_yaml

horizons = itertools.count(31)


@pytest.fixture
def shipped():
    section = read_yaml(conf_folder() / "base.yaml")["propensity"]
    return PropensitySettings(**{name: knob["value"] for name, knob in section.items()})


@pytest.fixture
def knobs(shipped):
    return shipped.model_copy(update={"bootstrap_replicates": 60, "horizon_days": next(horizons)})
