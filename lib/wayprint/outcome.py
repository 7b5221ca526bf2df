"""What a run did: one line per step, and the exit code."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Literal

from wayprint.lake import Published

Status = Literal["published", "unchanged", "current", "planned", "refused", "failed", "blocked", "left out"]


@dataclass
class StepResult:
    """One line of the progress display."""

    step: str
    status: Status
    why: str = ""
    rows_in: int | None = None
    published: list[Published] = field(default_factory=list)
    rows_out: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    error: str = ""


@dataclass
class Report:
    """The outcome of a run. Exit code 0: all steps ok; 1: one failed; 3: a `fail` rule or a promise was broken."""

    run_id: str
    as_of: dt.date
    results: list[StepResult]
    seconds: float

    @property
    def exit_code(self) -> int:
        statuses = {r.status for r in self.results}
        return 1 if "failed" in statuses else 3 if "refused" in statuses else 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 1),
            "steps": [
                {
                    "step": r.step,
                    "status": r.status,
                    "why": r.why,
                    "rows_in": r.rows_in,
                    "rows_out": r.rows_out,
                    "quarantined": r.quarantined,
                    "seconds": round(r.seconds, 2),
                    "error": r.error,
                    "tables": [
                        {
                            "table": p.table,
                            "version": p.version,
                            "rows": p.rows,
                            "inserted": p.inserted,
                            "updated": p.updated,
                            "deleted": p.deleted,
                            "overwritten": p.overwritten,
                        }
                        for p in r.published
                    ],
                }
                for r in self.results
            ],
        }
