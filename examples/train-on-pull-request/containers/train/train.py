"""A training container without any library: linear regression by gradient descent.

SageMaker calls it with the argument `train`; channels are below /opt/ml/input/data, the model goes to /opt/ml/model.
"""
import csv
import json
import math
import os
import sys

ROOT = "/opt/ml"


def read(channel):
    """Headerless rows, the label first."""
    folder = os.path.join(ROOT, "input/data", channel)
    rows = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), newline="", encoding="utf-8") as file:
            rows += [[float(cell) for cell in row] for row in csv.reader(file) if row]
    return [row[0] for row in rows], [row[1:] for row in rows]


def predict(weights, row):
    return weights[0] + sum(weight * value for weight, value in zip(weights[1:], row))


def rmse(weights, labels, rows):
    return math.sqrt(sum((predict(weights, row) - label) ** 2 for label, row in zip(labels, rows)) / len(rows))


def scale_of(rows):
    count = len(rows)
    means = [sum(column) / count for column in zip(*rows)]
    spreads = [math.sqrt(sum((value - mean) ** 2 for value in column) / count) or 1.0
               for column, mean in zip(zip(*rows), means)]
    return means, spreads


def train():
    with open(os.path.join(ROOT, "input/config/hyperparameters.json"), encoding="utf-8") as file:
        parameters = json.load(file)
    steps, rate = int(parameters.get("steps", 300)), float(parameters.get("rate", 0.1))
    labels, rows = read("train")
    checked_labels, checked_rows = read("validation")
    means, spreads = scale_of(rows)

    def scaled(some):
        return [[(value - mean) / spread for value, mean, spread in zip(row, means, spreads)] for row in some]

    rows, checked_rows = scaled(rows), scaled(checked_rows)
    weights = [0.0] * (len(rows[0]) + 1)
    for step in range(steps):
        errors = [predict(weights, row) - label for label, row in zip(labels, rows)]
        weights[0] -= rate * sum(errors) / len(rows)
        for i in range(len(weights) - 1):
            weights[i + 1] -= rate * sum(error * row[i] for error, row in zip(errors, rows)) / len(rows)
        if step % (steps // 10 or 1) == 0 or step == steps - 1:
            print(f"step={step} train-rmse={rmse(weights, labels, rows):.4f} "
                  f"validation-rmse={rmse(weights, checked_labels, checked_rows):.4f};")
    with open(os.path.join(ROOT, "model/model.json"), "w", encoding="utf-8") as file:
        json.dump({"weights": weights, "means": means, "spreads": spreads}, file)


if __name__ == "__main__":
    if sys.argv[1:] != ["train"]:
        sys.exit(f"usage: {sys.argv[0]} train")
    train()
