"""Reads the tables of `jg export` as a notebook does, and says what came: one JSON object."""

import json
import sys

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet


def read(path):
    if path.endswith(".parquet"):
        return pa.parquet.read_table(path)
    with pa.OSFile(path) as source:
        return pa.ipc.open_stream(source).read_all()


def described(table):
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    return {
        "types": {field.name: str(field.type) for field in table.schema},
        "rows": [
            {name: value if isinstance(value, (int, float, bool, list, type(None))) else str(value) for name, value in row.items()}
            for row in table.to_pylist()
        ],
        "positions": json.loads(metadata["journey_graph.positions"]),
    }


print(json.dumps({path: described(read(path)) for path in sys.argv[1:]}))
