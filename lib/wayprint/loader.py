"""YAML that names the line of every mistake."""

from typing import Any

import yaml


class Loader(yaml.SafeLoader):
    """A date or a number that cannot be, such as 2026-02-30, is an error of YAML with its line; PyYAML's own is a bare ValueError."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.constructor.ConstructorError(None, None, f"no such value: {error}", node.start_mark) from None
