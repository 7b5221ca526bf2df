"""Criteria as sentences: why somebody is in an audience, or no longer is."""

from __future__ import annotations

from collections.abc import Iterable

from wayprint.audiences.grammar import Criterion, Group


def in_words(criterion: Criterion) -> str:
    """A criterion as a marketer would say it."""
    if isinstance(criterion, Group):
        if criterion.kind == "not":
            return f"not ({in_words(criterion.parts[0])})"
        return ("; " if criterion.kind == "all" else " or ").join(map(_as_part, criterion.parts))
    options = dict(criterion.options)
    match criterion.kind:
        case "lifecycle":
            return f"is {_either(options['value'])}"
        case "consent":
            return f"granted {' and '.join(options['value'])}"
        case "devices_at_least":
            return f"seen on at least {options['value']} devices"
        case "person" | "score":
            said = [f"{name.replace('_', ' ')} {_either(value) if isinstance(value, tuple) else value}" for name, value in options.items()]
            return f"{criterion.kind}: {', '.join(said)}"
    verb = {"did": f"did {_either(options.get('event', ()))}", "bought": "bought", "spent": "spent", "interest": "showed interest"}[criterion.kind]
    window = f" in the last {options['within_days']} days" if "within_days" in options else ""
    window = f" in the last {options['within_months']} months" if "within_months" in options else window
    window += f" before the last {options['before_days']} days" if "before_days" in options else ""
    count = [f"{name.replace('_', ' ')} {options[name]}" for name in ("at_least", "at_most") if name in options]
    others = [
        f"{name.replace('_', ' ')} {_either(value)}" for name, value in options.items()
        if name not in ("event", "within_days", "within_months", "before_days", "at_least", "at_most")]
    return ", ".join([" ".join([verb, *count]) + window, *others])


def _as_part(criterion: Criterion) -> str:
    """In brackets if it is a group of several: `A or B; C` would say two things."""
    several = isinstance(criterion, Group) and criterion.kind != "not" and len(criterion.parts) > 1
    return f"({in_words(criterion)})" if several else in_words(criterion)


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)
