import pytest
@pytest.fixture(scope="session")
def settings():
    from wayprint.events.settings import EventSettings
    from wayprint.settings import Settings, conf_folder, read_yaml, _knob_value
    f = conf_folder()
    base = read_yaml(f / "base.yaml")["events"]
    return Settings({"events": EventSettings(**{k: _knob_value(v, k, f) for k, v in base.items()})}, {"events": sorted(base)}, "test", f)
