"""The tables of data/results as schemas of pandera, which checks more than loading does."""

import pandera.pandas as pa

from core.evaluate.tables import TABLES


def strict_schema(name: str) -> pa.DataFrameSchema:
    """The table as a `pandera.DataFrameSchema`: types, ranges, keys, no other column."""
    table = TABLES[name]
    columns = {}
    for label, column in table.columns.items():
        checks = []
        if column.choices:
            checks.append(pa.Check.isin(column.choices + ("",) * (not column.required)))
        if column.type == "text" and column.required:
            checks.append(pa.Check.str_length(min_value=1))
        if column.type == "count":
            checks.append(pa.Check(lambda s: (s >= 0) & (s % 1 == 0)))
        if column.low is not None:
            checks.append(pa.Check.ge(column.low))
        if column.high is not None:
            checks.append(pa.Check.le(column.high))
        kind = str if column.type == "text" else float
        columns[label] = pa.Column(
            kind, checks, nullable=not column.required, coerce=kind is float, required=True
        )
    return pa.DataFrameSchema(columns, strict=True, unique=list(table.key))
