"""The shipped settings of audiences alone, so that these tests stand without the other domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from wayprint.audiences.settings import AudienceSettings
from wayprint.settings import conf_folder, read_yaml


@pytest.fixture(scope="session")
def shipped() -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, knob in read_yaml(conf_folder() / "base.yaml")["audiences"].items():
        if "folder" in knob:
            values[name] = {path.stem: read_yaml(path) for path in sorted((conf_folder() / knob["folder"]).glob("*.yaml"))}
        else:
            values[name] = read_yaml(conf_folder() / knob["file"]) if "file" in knob else knob["value"]
    return values


@pytest.fixture
def rules(shipped: dict[str, Any]) -> Callable[..., AudienceSettings]:
    """`rules(name="who: ...")`: the shipped settings with these audiences instead, everything but `who` filled; knobs by `_knob=`."""

    def build(**given: Any) -> AudienceSettings:
        knobs = {name.removeprefix("_"): value for name, value in given.items() if name.startswith("_")}
        audiences = {
            name: {"title": name, "purpose": "email_marketing", "channel": "email", "is_promotion": False,
                   **(yaml.safe_load(value) if isinstance(value, str) else value)}
            for name, value in given.items() if not name.startswith("_")}
        return AudienceSettings(**{**shipped, "audiences": audiences or shipped["audiences"], **knobs})

    return build
