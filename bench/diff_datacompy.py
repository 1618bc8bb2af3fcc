# /// script
# requires-python = ">=3.11"
# dependencies = ["datacompy==1.1.0"]
# ///
"""datacompy on two CSV files, for bench/diff.py: python diff_datacompy.py OLD NEW KEY; prints the counts as JSON.

It stands alone because datacompy takes neither pandas 3 nor polars 2.
"""

import json
import resource
import sys

import datacompy
import polars as pl

old, new = (pl.read_csv(path, infer_schema=False) for path in sys.argv[1:3])
found = datacompy.PolarsCompare(old, new, join_columns=[sys.argv[3]])
changed = found.intersect_rows.height - found.count_matching_rows()
usage = resource.getrusage(resource.RUSAGE_SELF)
rows = {"added": found.df2_unq_rows.height, "changed": changed, "removed": found.df1_unq_rows.height}
print(json.dumps({**rows, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}))
