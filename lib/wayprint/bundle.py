"""Zip the package with its conf for `spark-submit --py-files` (executors import from .zip, not from .whl)."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from wayprint.settings import conf_folder


def bundle(target: Path) -> Path:
    """Write wayprint/ and, inside it, the configuration in force as wayprint/_conf."""
    package, conf = Path(__file__).parent, Path(str(conf_folder()))
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts and "_conf" not in p.parts):
            archive.write(path, Path("wayprint") / path.relative_to(package))
        for path in sorted(p for p in conf.rglob("*.yaml")):
            archive.write(path, Path("wayprint/_conf") / path.relative_to(conf))
    return target


if __name__ == "__main__":
    print(bundle(Path(sys.argv[1])))
