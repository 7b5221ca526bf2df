"""`wayprint identity ...` and `wayprint explain`: look into who is who, and decide about it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wayprint.console import Conf, Env, LakeRoot, day

identity = typer.Typer(no_args_is_help=True, help="Look into identity before it is changed.")

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would change; decide nothing.")]
Why = Annotated[str | None, typer.Option(help="The reason, for those who read it later.")]
AsOf = Annotated[str | None, typer.Option(help="Day to judge for, YYYY-MM-DD; that of the last published identity if not given.")]
By = Annotated[str, typer.Option(help="Who decides.", envvar=["WAYPRINT_USER", "USER"])]


def explain(
    name: Annotated[str, typer.Argument(help="A person_id, an identifier_id, or type:value such as email:ana@exemple.fr.")],
    other: Annotated[str | None, typer.Argument(help="Why are these two one person, or two?")] = None,
    lake: LakeRoot = "lake",
    env: Env = "dev",
    conf: Conf = None,
) -> None:
    """Say why somebody is one person: the evidence, its weakest link, and the links that alone hold it together; or why it is nobody's, or what keeps two apart."""
    from wayprint.engine import Engine

    with Engine.open(lake, env, conf) as engine:
        for line in engine.explain(name, other).in_words():
            print(line)


@identity.command("try")
def try_rules(
    rules: Annotated[Path, typer.Argument(help="Folder laid out like conf/, with other identity rules.")],
    lake: LakeRoot = "lake",
    as_of: AsOf = None,
    env: Env = "dev",
) -> None:
    """Say what other rules would change: persons merged and split, largest person, recognition; publish nothing."""
    from wayprint.engine import Engine

    with Engine.open(lake, env) as engine:
        for line in engine.try_identity(rules, day(as_of) if as_of else None, env).in_words():
            print(line)


def _decide(action: str, names: list[str], lake: str, env: str, conf: str | None, by: str, why: str | None, as_of: str | None, yes: bool, dry_run: bool) -> None:
    from wayprint.engine import Engine

    with Engine.open(lake, env, conf) as engine:
        rows, preview, told = engine.propose(action, names, by, why, day(as_of) if as_of else None)
        for line in [*preview.in_words(), *told]:
            print(line)
        if dry_run or told:
            print("nothing was decided")
            raise typer.Exit(1 if told else 0)
        if not yes and sys.stdin.isatty() and not typer.confirm(f"{action} {' '.join(names)}?"):
            raise typer.Exit(1)
        engine.record(rows)
        for row in rows.collect():
            taken_back = "" if action == "undo" else f", `wayprint identity undo {row.decision_id}` takes it back"
            print(f"decided {row.decision_id}; the next run follows it{taken_back}")


@identity.command()
def block(
    values: Annotated[list[str] | None, typer.Argument(help="Identifiers: type:value such as email:test@test.com, or identifier_ids.")] = None,
    file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A file with one of them a line.")] = None,
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """From now on these values name nobody."""
    given = [*(values or []), *(line.strip() for line in (file.read_text(encoding="utf-8").splitlines() if file else []) if line.strip())]
    _decide("block", given, lake, env, conf, by, why, as_of, yes, dry_run)


@identity.command()
def unblock(
    values: Annotated[list[str], typer.Argument(help="Identifiers, as for block.")],
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """These values name somebody, whatever a list says."""
    _decide("unblock", values, lake, env, conf, by, why, as_of, yes, dry_run)


@identity.command()
def split(
    one: Annotated[str, typer.Argument(help="An identifier: type:value or identifier_id.")],
    other: Annotated[str, typer.Argument(help="Another that is not the same person's.")],
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """Two identifiers are never one person's: the weakest evidence between them is no longer believed."""
    _decide("split", [one, other], lake, env, conf, by, why, as_of, yes, dry_run)


@identity.command()
def join(
    one: Annotated[str, typer.Argument(help="An identifier: type:value, identifier_id or person_id.")],
    other: Annotated[str, typer.Argument(help="Another of the same person.")],
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """Two identifiers are one person's, as far as no unique identifier is against it."""
    _decide("join", [one, other], lake, env, conf, by, why, as_of, yes, dry_run)


@identity.command()
def undo(
    decision: Annotated[str, typer.Argument(help="A decision_id of identity_decisions that is no undo itself.")],
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """Take an earlier decision back."""
    _decide("undo", [decision], lake, env, conf, by, why, as_of, yes, dry_run)
