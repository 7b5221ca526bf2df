"""Every promise of the lake, one module a domain. A table's name is written once in the whole project: here."""

from wayprint.contracts import Table
from wayprint.tables import attribution, audiences, bronze, events, identity, journeys, matching, persons, propensity, quality

ALL: dict[str, Table] = {
    value.name: value
    for module in (bronze, events, identity, persons, matching, journeys, attribution, propensity, audiences, quality)
    for value in vars(module).values()
    if isinstance(value, Table)
}
