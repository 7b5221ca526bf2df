"""The sets with known truth beside this file made importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
