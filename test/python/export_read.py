"""Reads the tables of `jg export` as a notebook does, and says what came: one JSON object."""

import json
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet


def read(path):
    if path.endswith(".parquet"):
        return pa.parquet.read_table(path)
    with pa.OSFile(path) as source:
        return pa.ipc.open_stream(source).read_all()


def in_pandas(path, table):
    """As a notebook has it; a Parquet file also by pandas' own function, which is to give the same."""
    frame = table.to_pandas()
    if path.endswith(".parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(path), frame)
    return {
        "dtypes": {name: str(dtype) for name, dtype in frame.dtypes.items()},
        "rows": json.loads(frame.to_json(orient="records", date_format="iso", date_unit="us")),
    }


def described(path):
    table = read(path)
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    return {
        "types": {field.name: str(field.type) for field in table.schema},
        "rows": [
            {name: value if isinstance(value, (int, float, bool, list, type(None))) else str(value) for name, value in row.items()}
            for row in table.to_pylist()
        ],
        "positions": json.loads(metadata["journey_graph.positions"]),
        "pandas": in_pandas(path, table),
    }


print(json.dumps({path: described(path) for path in sys.argv[1:]}))
