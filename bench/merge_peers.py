# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "btrees<6.1",
#     "dedupe==3.0.3",
#     "pyarrow>=20",
#     "recordlinkage==0.16",
#     "scikit-learn>=1.6",
#     "splink==5.0.0",
# ]
# ///
"""The peers of bench/merge.py on the same rows: merge_peers.py TOOL FOLDER OUT; writes each key's group as JSON.

They have an environment of their own (pandas 2, DuckDB). Each is used as its documentation shows it, on lower-case text
and without the ids that are hidden: splink trained by EM on the rows themselves, recordlinkage's ECM classifier too;
dedupe, which wants labelled pairs, is given rows with typos made up for it.
"""

import itertools
import json
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path

import pandas as pd

TEXTS = ["nom", "adresse", "code_postal", "commune", "telephone", "courriels"]


def rows_of(path):
    rows = pd.read_parquet(path)
    for name in TEXTS:
        text = rows[name].str.lower().str.normalize("NFKD").str.replace(r"[^\w\s@.]", "", regex=True).str.strip()
        rows[name] = text.where(text.fillna("") != "", None)
    for name in ("latitude", "longitude"):
        rows[name] = pd.to_numeric(rows[name], errors="coerce")
    return rows


def grouped(keys, pairs):
    parent = {key: key for key in keys}

    def root(key):
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return {key: root(key) for key in keys}


def run_splink(folder):
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.internals.duckdb.database_api import DuckDBAPI

    rows = rows_of(folder / "real.parquet").rename(columns={"_key": "unique_id", "_partner": "source_dataset"})
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.JaroWinklerAtThresholds("nom", [0.95, 0.88, 0.8]),
            cl.JaroWinklerAtThresholds("adresse", [0.95, 0.88]),
            cl.ExactMatch("telephone"),
            cl.ExactMatch("courriels"),
            cl.DistanceInKMAtThresholds("latitude", "longitude", [0.1, 1, 10]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("code_postal", "substr(nom, 1, 3)"),
            block_on("code_postal", "adresse"),
            block_on("telephone"),
            block_on("nom"),
        ],
    )
    api = DuckDBAPI()
    frames = [api.register(table) for _, table in rows.groupby("source_dataset")]
    linker = Linker(frames, settings)
    linker.training.estimate_probability_two_random_records_match([block_on("nom", "code_postal")], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("code_postal"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("nom"))
    found = linker.inference.predict(threshold_match_probability=0.95).as_pandas_dataframe()
    return rows["unique_id"], zip(found["unique_id_l"], found["unique_id_r"], strict=True), "p >= 0.95, EM on the rows"


def run_recordlinkage(folder):
    import recordlinkage

    rows = rows_of(folder / "real.parquet").set_index("_key")
    pairs = []
    for (_, one), (_, other) in itertools.combinations(rows.groupby("_partner"), 2):
        indexer = recordlinkage.Index()
        indexer.block("code_postal")
        indexer.block("telephone")
        links = indexer.index(one, other)
        comparing = recordlinkage.Compare()
        comparing.string("nom", "nom", method="jarowinkler", threshold=0.88, label="nom")
        comparing.string("adresse", "adresse", method="jarowinkler", threshold=0.88, label="adresse")
        comparing.exact("telephone", "telephone", label="telephone")
        comparing.exact("courriels", "courriels", label="courriels")
        features = comparing.compute(links, one, other)
        if features.empty or features.nunique().min() < 2:
            features = features[[name for name in features if features[name].nunique() > 1]]
        if features.shape[1] < 2:
            continue
        pairs += list(recordlinkage.ECMClassifier(binarize=0.5).fit_predict(features))
    return rows.index, pairs, "ECM on the rows, for each two sources"


def run_dedupe(folder):
    import dedupe
    from dedupe import variables

    rows, twins = rows_of(folder / "real.parquet"), rows_of(folder / "twins.parquet")
    wanted = ["nom", "adresse", "code_postal", "telephone", "courriels"]

    def records(frame):
        return {
            key: {name: value if isinstance(value, str) else None for name, value in zip(wanted, values, strict=True)}
            for key, *values in frame[["_key", *wanted]].itertuples(index=False)
        }

    data, made_up = records(rows), records(twins)
    names = ("nom", "adresse", "telephone", "courriels")
    fields = [variables.String(name, has_missing=True) for name in names]
    deduper = dedupe.Dedupe(
        [*fields, variables.ShortString("code_postal", has_missing=True)], num_cores=1, in_memory=True
    )
    deduper.prepare_training(data, sample_size=1500)
    right = [(made_up[key], data[twin]) for key, twin in twins[["_key", "_twin"]].itertuples(index=False)][:150]
    by_postcode = defaultdict(list)
    for key, record in data.items():
        by_postcode[record["code_postal"]].append(key)
    near = [(keys[0], keys[1]) for keys in by_postcode.values() if len(keys) > 1]
    wrong = [(data[a], data[b]) for a, b in near if data[a]["nom"] != data[b]["nom"]][:150]
    deduper.mark_pairs({"match": right, "distinct": wrong})
    deduper.train()
    pairs = []
    for keys, _ in deduper.partition(data, 0.5):
        pairs += [(keys[0], key) for key in keys[1:]]
    return data, pairs, "trained on 150 made-up pairs, as many others"


if __name__ == "__main__":
    tool, home, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    started = time.perf_counter()
    keys, pairs, note = {"splink": run_splink, "recordlinkage": run_recordlinkage, "dedupe": run_dedupe}[tool](home)
    groups = grouped(list(keys), pairs)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"seconds": round(seconds, 1), "peak_mb": round(peak), "note": note, "groups": groups}
    out.write_text(json.dumps(told), "utf-8")
