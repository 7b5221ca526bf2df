"""All knobs in one frozen object, composed from conf/ and the environment.

`conf/base.yaml` names every knob with its default, unit and reason; `conf/<env>.yaml` holds differences only; an environment
variable `WAYPRINT_<SECTION>__<KNOB>` outweighs both. A knob is `{value: ..., unit: ..., why: ..., rebuild: true|false}`, or
takes its value from a file beside it (`file: channels.yaml`) or from a folder of them (`folder: audiences`). `rebuild: true`
says that the knob changes history: another value makes the steps that use it start afresh.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from wayprint.contracts import BadConfiguration
from wayprint.loader import Loader
from wayprint.words import nearest

Section = TypeVar("Section", bound=BaseModel)


def conf_folder() -> Traversable:
    """`WAYPRINT_CONF`, else conf/ beside the project, else the copy inside the installed (or zipped) package."""
    if told := os.environ.get("WAYPRINT_CONF"):
        return Path(told)
    beside = Path(__file__).parents[2] / "conf"
    return beside if (beside / "base.yaml").exists() else files("wayprint") / "_conf"


class _NoDoubles(Loader):
    """YAML silently keeps the last of two equal keys; here they are an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} stands here twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)


def read_yaml(path: Traversable) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _NoDoubles) or {}
    except FileNotFoundError:
        raise BadConfiguration(f"{path}: no such file; set WAYPRINT_CONF or --conf to a folder laid out like conf/") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: not readable as YAML: {error}") from None


def _sections(path: Traversable) -> dict[str, dict[str, Any]]:
    """A file of sections, each with its knobs."""
    found = read_yaml(path)
    for name, knobs in found.items() if isinstance(found, dict) else [("the file", found)]:
        if knobs is not None and not isinstance(knobs, dict):
            raise BadConfiguration(f"{path}: {name}: promised keys with values, came {str(knobs)[:80]!r}: look for a missing colon or indent")
    return found  # type: ignore[no-any-return]


def _knob_value(knob: Any, where: str, folder: Traversable) -> Any:
    if not isinstance(knob, Mapping) or not {"value", "file", "folder"} & set(knob):
        raise BadConfiguration(f"{where}: a knob is {{value: ..., unit: ..., why: ..., rebuild: ...}}; came {knob!r}")
    if unknown := set(knob) - {"value", "file", "folder", "unit", "why", "rebuild"}:
        raise BadConfiguration(
            f"{where}: unknown key {sorted(unknown)[0]!r}{nearest(sorted(unknown)[0], ['value', 'unit', 'why', 'rebuild'])}"
        )
    if "file" in knob:
        return read_yaml(folder / knob["file"])
    if "folder" in knob:
        found = {path.name: path for path in (folder / knob["folder"]).iterdir() if path.name.endswith((".yaml", ".yml"))}
        if misnamed := [name for name in sorted(found) if name.endswith(".yml")]:
            raise BadConfiguration(f"{folder / knob['folder'] / misnamed[0]}: only files that end in .yaml are read: rename it")
        return {name.removesuffix(".yaml"): read_yaml(found[name]) for name in sorted(found)}
    return knob["value"]


def _values(
    section: str, kind: type[BaseModel], base: dict[str, Any], over: dict[str, Any], folder: Traversable, env: str, environ: Mapping[str, str]
) -> dict[str, Any]:
    """What a section is given by base.yaml, the environment's file and the environment, each outweighing the one before."""
    values = {name: _knob_value(knob, f"{folder / 'base.yaml'}: {section}.{name}", folder) for name, knob in (base.get(section) or {}).items()}
    for name, value in (over.get(section) or {}).items():
        if name not in kind.model_fields:
            raise BadConfiguration(f"{folder / (env + '.yaml')}: unknown key {section}.{name}{nearest(name, kind.model_fields)}")
        values[name] = value
    prefix = f"WAYPRINT_{section.upper()}__"
    for variable, text in environ.items():
        if variable.startswith(prefix):
            name = variable.removeprefix(prefix).lower()
            if name not in kind.model_fields:
                raise BadConfiguration(f"environment variable {variable}: unknown key {section}.{name}{nearest(name, kind.model_fields)}")
            values[name] = _parse_like(text)
    return values


def _parse_like(text: str) -> Any:
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError:
        return text


def load(
    sections: Mapping[str, type[BaseModel]], env: str = "dev", folder: Traversable | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read and check everything; `sections` maps a section of base.yaml to the settings class of its domain."""
    folder = folder or conf_folder()
    environ = os.environ if environ is None else environ
    base = _sections(folder / "base.yaml")
    has_env = (folder / f"{env}.yaml").is_file()
    over = _sections(folder / f"{env}.yaml") if has_env else {}
    if env != "dev" and not has_env:
        raise BadConfiguration(f"{folder}: there is no {env}.yaml for --env {env}")
    for name, file in [(n, "base.yaml") for n in base] + [(n, f"{env}.yaml") for n in over]:
        if name not in sections:
            raise BadConfiguration(f"{folder / file}: unknown section {name!r}{nearest(name, sections)}")
    for variable in environ:
        section, mark, _ = variable.removeprefix("WAYPRINT_").partition("__")
        if variable.startswith("WAYPRINT_") and mark and section.lower() not in sections:
            raise BadConfiguration(f"environment variable {variable}: unknown section {section.lower()!r}{nearest(section.lower(), sections)}")
    values: dict[str, dict[str, Any]] = {}
    rebuild: dict[str, list[str]] = {}
    for section, kind in sections.items():
        rebuild[section] = sorted(name for name, knob in (base.get(section) or {}).items() if knob.get("rebuild"))
        values[section] = _values(section, kind, base, over, folder, env, environ)
    built: dict[str, BaseModel] = {}
    problems: list[str] = []
    for section, kind in sections.items():
        try:
            built[section] = kind.model_validate(values[section], context={"folder": folder})
        except ValidationError as error:
            for item in error.errors():
                key = ".".join([section, *map(str, item["loc"])])
                hint = nearest(str(item["loc"][-1]), kind.model_fields) if item["type"] == "extra_forbidden" and item["loc"] else ""
                came = "" if item["type"] in ("missing", "extra_forbidden") or not item["loc"] else f" (came {str(item['input'])[:80]!r})"
                problems.append(f"{key}: {item['msg']}{came}{hint}")
    if problems:
        raise BadConfiguration(f"{folder}: " + "; ".join(problems))
    return Settings(built, rebuild, env, folder)


def load_section(section: str, kind: type[Section], env: str = "dev") -> Section:
    """One section alone; what stands wrong elsewhere is not seen."""
    folder = conf_folder()
    over = _sections(folder / f"{env}.yaml") if (folder / f"{env}.yaml").is_file() else {}
    return kind.model_validate(_values(section, kind, _sections(folder / "base.yaml"), over, folder, env, os.environ), context={"folder": folder})


class Settings:
    """The composed settings: one attribute a section, frozen.

    `fingerprint(section)` changes when, and only when, a knob of that section marked `rebuild: true` changes.
    """

    def __init__(self, sections: dict[str, BaseModel], rebuild: dict[str, list[str]], env: str, folder: Traversable):
        self._sections, self._rebuild, self.env, self.folder = sections, rebuild, env, folder

    def __getattr__(self, section: str) -> Any:
        try:
            return self.__dict__["_sections"][section]
        except KeyError:
            raise AttributeError(f"no settings section {section!r}{nearest(section, self.__dict__['_sections'])}") from None

    def of(self, kind: type[BaseModel]) -> BaseModel:
        """The section that is an instance of `kind`."""
        return next(section for section in self._sections.values() if type(section) is kind)

    def fingerprint(self, kind: type[BaseModel] | None) -> str:
        if kind is None:
            return "none"
        name = next(name for name, section in self._sections.items() if type(section) is kind)
        dumped = self._sections[name].model_dump(mode="json")
        marked = {knob: dumped[knob] for knob in self._rebuild[name]}
        return hashlib.sha256(json.dumps(marked, sort_keys=True).encode()).hexdigest()[:16]

    def replace(self, section: str, **changes: Any) -> Settings:
        """A copy with some knobs of one section changed (validated)."""
        standing = self._sections[section]
        changed = type(standing)(**{**{name: getattr(standing, name) for name in type(standing).model_fields}, **changes})
        return Settings({**self._sections, section: changed}, self._rebuild, self.env, self.folder)

    def dump(self) -> dict[str, Any]:
        """Everything, for logs and model tracking."""
        return {name: section.model_dump(mode="json") for name, section in self._sections.items()}
