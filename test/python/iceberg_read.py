"""Reads an Iceberg table that Journey Graph wrote, with PyIceberg, and its data files with DuckDB; prints what it saw as JSON.

usage: iceberg_read.py METADATA_FILE_OR_FOLDER FROM UNTIL DATA_GLOB
"""

import decimal
import json
import sys

import duckdb
from pyiceberg.table import StaticTable


def text(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [text(each) for each in value]
    if isinstance(value, dict):
        return {key: text(each) for key, each in value.items()}
    if isinstance(value, decimal.Decimal):
        return str(value)
    if hasattr(value, "timestamp"):
        return round(value.timestamp() * 1000)
    return value


def main(location, from_time, until_time, data_glob):
    table = StaticTable.from_metadata(location)
    rows = table.scan().to_arrow().to_pylist()
    day = table.scan(row_filter=f"timestamp >= '{from_time}' and timestamp < '{until_time}'")
    duck = duckdb.sql(
        f"""select count(*), count(distinct "offset"), sum("offset")::bigint, sum(octet_length(value))::bigint
            from read_parquet('{data_glob}', union_by_name=true, hive_partitioning=false)"""
    ).fetchall()[0]
    print(
        json.dumps(
            {
                "rows": [text(row) for row in rows],
                "dayRows": day.to_arrow().num_rows,
                "dayFiles": len(list(day.plan_files())),
                "snapshots": [
                    {
                        "operation": snapshot.summary.operation.value,
                        "rows": table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows,
                        "positions": snapshot.summary.additional_properties.get("jg.positions"),
                    }
                    for snapshot in table.snapshots()
                ],
                "files": table.inspect.files().num_rows,
                "duck": duck,
            }
        )
    )


main(*sys.argv[1:])
