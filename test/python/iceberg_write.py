"""Writes an Iceberg table of Kafka records with PyIceberg: evolved, renamed, widened, with rows deleted; prints its metadata file and rows.

usage: iceberg_write.py FOLDER
"""

import datetime as dt
import json
import sys

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.types import (
    BinaryType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

FIRST = dt.datetime(2026, 9, 21, tzinfo=dt.timezone.utc)


def rows(first, count, position, value, kind):
    schema = pa.schema(
        [
            pa.field("partition", pa.int32(), False),
            pa.field(position, kind, False),
            pa.field("timestamp", pa.timestamp("us", "UTC")),
            pa.field(value, pa.binary()),
        ]
    )
    return pa.Table.from_pylist(
        [
            {
                "partition": 3,
                position: offset,
                "timestamp": FIRST + dt.timedelta(hours=offset),
                value: None if offset % 7 == 3 else b"v%d" % offset,
            }
            for offset in range(first, first + count)
        ],
        schema=schema,
    )


def main(root):
    catalog = SqlCatalog("test", uri=f"sqlite:///{root}/catalog.db", warehouse=f"file://{root}")
    catalog.create_namespace("other")
    schema = Schema(
        NestedField(1, "partition", IntegerType(), required=True),
        NestedField(2, "position", IntegerType(), required=True),
        NestedField(3, "timestamp", TimestamptzType(), required=False),
        NestedField(4, "payload", BinaryType(), required=False),
    )
    spec = PartitionSpec(PartitionField(source_id=3, field_id=1000, transform=DayTransform(), name="timestamp_day"))
    table = catalog.create_table("other.records", schema=schema, partition_spec=spec)
    table.append(rows(0, 40, "position", "payload", pa.int32()))
    with table.update_schema() as update:
        update.rename_column("position", "offset")
        update.rename_column("payload", "value")
    with table.update_schema() as update:
        update.update_column("offset", LongType())
        update.add_column("note", StringType())
    table.append(rows(40, 20, "offset", "value", pa.int64()))
    table.delete("offset >= 10 and offset < 15")
    table.delete("timestamp >= '2026-09-22T00:00:00+00:00' and timestamp < '2026-09-23T00:00:00+00:00'")
    seen = table.scan().to_arrow().sort_by("offset").to_pylist()
    print(
        json.dumps(
            {
                "metadata": table.metadata_location,
                "snapshot": str(table.current_snapshot().snapshot_id),
                "rows": [
                    {
                        "offset": row["offset"],
                        "timestampMs": round(row["timestamp"].timestamp() * 1000),
                        "value": None if row["value"] is None else row["value"].hex(),
                    }
                    for row in seen
                ],
            }
        )
    )


main(*sys.argv[1:])
