"""What all commands share: their options, and how they speak to a terminal."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer
from rich.console import Console

err = Console(stderr=True, highlight=False, soft_wrap=True)

Raw = Annotated[str | None, typer.Option(help="Folder of raw files, laid out as conf/sources says.")]
LakeRoot = Annotated[str, typer.Option("--lake", help="Root of the lake: folder, object-store path, or catalog:SCHEMA of a metastore.")]
AsOf = Annotated[str | None, typer.Option(help="Day the run speaks of, YYYY-MM-DD; today (UTC) if not given.")]
Env = Annotated[str, typer.Option(help="conf/<env>.yaml to apply over base.yaml.")]
Conf = Annotated[str | None, typer.Option(help="Folder laid out like conf/.")]


class Progress:
    """A line a step: what it did, rows in, rows out, quarantined, seconds; the running steps below on a terminal."""

    def __init__(self) -> None:
        self._status = err.status("") if err.is_terminal else None
        self._running: list[str] = []
        if self._status:
            self._status.start()

    def start(self, step: str) -> None:
        self._running.append(step)
        self._show()

    def result(self, result: Any) -> None:
        if result.step in self._running:
            self._running.remove(result.step)
        colour = {"published": "green", "failed": "red", "refused": "red", "blocked": "yellow"}.get(result.status, "dim")
        rows_in = "" if result.rows_in is None else f"{result.rows_in:,}"
        rows_out = f"{result.rows_out:,}" if result.published else ""
        held = f"{result.quarantined:,} quarantined" if result.quarantined else ""
        err.print(
            f"[{colour}]{result.status:<10}[/] {result.step:<22} {rows_in:>10} -> {rows_out:>10} rows  {result.seconds:6.1f} s  {held}"
        )
        if result.status in ("planned", "blocked"):
            err.print(f"           {result.why}")
        if result.error:
            err.print(f"           {result.error}", style="red", markup=False)
        self._show()

    def close(self) -> None:
        if self._status:
            self._status.stop()

    def _show(self) -> None:
        if self._status:
            self._status.update("running: " + ", ".join(self._running) if self._running else "")


def day(text: str | None) -> dt.date:
    from wayprint.contracts import BadConfiguration

    try:
        return dt.date.fromisoformat(text) if text else dt.datetime.now(dt.UTC).date()
    except ValueError:
        raise BadConfiguration(f"--as-of {text!r}: a day is written YYYY-MM-DD") from None
