"""The Glue script: raw rows to headerless train.csv and validation.csv, the label first."""
import sys

import boto3
import numpy as np
import pandas as pd
from awsglue.utils import getResolvedOptions

args = getResolvedOptions(sys.argv, ["bucket_name", "data", "target"])
source_bucket, source_key = args["data"].replace("s3://", "").split("/", 1)
bucket = boto3.resource("s3").Bucket(args["bucket_name"])
boto3.client("s3").download_file(source_bucket, source_key, "raw.csv")

rows = pd.read_csv("raw.csv", parse_dates=["lpep_pickup_datetime", "lpep_dropoff_datetime"])
print(f"読み込み: {len(rows)} rows of {args['data']}")
rows["minutes"] = (rows["lpep_dropoff_datetime"] - rows["lpep_pickup_datetime"]).dt.total_seconds() / 60
rows["hour"] = rows["lpep_pickup_datetime"].dt.hour
rows = rows[(rows[args["target"]] > 0) & (rows["trip_distance"] > 0) & (rows["minutes"] > 0)]
rows = rows[[args["target"], "trip_distance", "minutes", "hour", "passenger_count", "payment_type"]].dropna()
rows = rows.sample(frac=1, random_state=7)
train, validation = np.split(rows, [int(len(rows) * 0.8)])
for name, part in (("train", train), ("validation", validation)):
    part.to_csv(f"{name}.csv", header=False, index=False)
    bucket.upload_file(f"{name}.csv", f"taxi/{name}/{name}.csv")
    print(f"{name}: {len(part)} rows")
