"""Reads an Iceberg table that Journey Graph wrote with Spark and Iceberg's own runtime, in each way that Spark has, and prints what it saw as JSON.

usage: spark_read.py RUNTIME_JAR WAREHOUSE TABLE METADATA_FILE FLAT_COLUMNS DAY
"""

import datetime
import decimal
import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f


def text(value):
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, list):
        return [text(each) for each in value]
    if isinstance(value, dict):
        return {key: text(each) for key, each in value.items()}
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000)
    return value


def rows(frame):
    return [text(row.asDict(recursive=True)) for row in frame.collect()]


def session(jar, warehouse):
    catalog = "spark.sql.catalog.jg"
    return (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", jar)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config(catalog, "org.apache.iceberg.spark.SparkCatalog")
        .config(f"{catalog}.type", "hadoop")
        .config(f"{catalog}.warehouse", warehouse)
        .getOrCreate()
    )


def main(jar, warehouse, table, metadata_file, flat_columns, day):
    spark = session(jar, warehouse)
    spark.sparkContext.setLogLevel("ERROR")
    name = "jg." + table.replace("/", ".")
    iceberg = spark.read.format("iceberg")
    one_day = f.to_date("timestamp") == f.lit(day).cast("date")
    snapshots = spark.table(f"{name}.snapshots").orderBy("committed_at").collect()
    seen = {
        "rows": {
            "catalog": rows(spark.table(name)),
            "folder": rows(iceberg.load(f"{warehouse}/{table}")),
            "metadata file": rows(iceberg.load(metadata_file)),
            # Without a nested column Spark reads batches of columns, by other code.
            "flat columns": rows(spark.table(name).select(*flat_columns.split(","))),
            "one day": rows(spark.table(name).where(one_day)),
        },
        "snapshots": [
            {
                "operation": snapshot.operation,
                "positions": snapshot.summary.get("jg.positions"),
                "rows": iceberg.option("snapshot-id", snapshot.snapshot_id).load(f"{warehouse}/{table}").count(),
            }
            for snapshot in snapshots
        ],
        "files": spark.table(f"{name}.files").count(),
        "versions": {
            "Spark": spark.version,
            "Iceberg": str(spark._jvm.org.apache.iceberg.IcebergBuild.version()),
            "Java": str(spark._jvm.System.getProperty("java.version")),
        },
    }
    print(json.dumps(seen))
    spark.stop()


main(*sys.argv[1:])
