#!/usr/bin/env python3
"""Trains a small network on the iris data and tells modeldeck about it. Python 3 alone, no packages.

    modeldeck run exec --experiment iris -- python3 assets/examples/train_iris.py --lr 0.1
    python3 assets/examples/train_iris.py --lr 0.1 | modeldeck ingest
    python3 assets/examples/train_iris.py evaluate MODEL.json

Everything modeldeck learns are lines of JSON on stdout, one event each. The run is the one that `modeldeck run exec`
names in MODELDECK_RUN_ID; without it the script begins and ends a run of its own, for `modeldeck ingest`.

Every second flower is learned from (a fifth of those only checks the learning); the other half of the data is never seen
while training. `evaluate` measures the accuracy on that half, once untouched and once shifted: as if the ruler that
measures the petals had begun to read short, which is how inputs drift in production.
"""

import argparse
import csv
import hashlib
import json
import math
import os
import random
import sys
import time
import uuid

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "iris.csv")
# How short the worn ruler reads a petal.
SHIFT = 0.8
BATCH = 10


def emit(event, **fields):
    """One event, one line, at once: somebody may be watching."""
    print(json.dumps({"event": event, **fields}), flush=True)


def load():
    """The flowers as (measures, species), and the names of the species."""
    with open(DATA, newline="", encoding="ascii") as file:
        rows = list(csv.reader(file))
    species = rows[0][2:]
    return [([float(x) for x in row[:4]], int(row[4])) for row in rows[1:]], species


def halves(flowers):
    """What is learned from, what checks the learning, and the half that training never sees."""
    learned, unseen = flowers[0::2], flowers[1::2]
    check = learned[::5]
    train = [flower for i, flower in enumerate(learned) if i % 5]
    return train, check, unseen


class Network:
    """Inputs, one hidden layer of tanh units, softmax."""

    def __init__(self, mean, spread, hidden, output):
        self.mean, self.spread, self.hidden, self.output = mean, spread, hidden, output

    @classmethod
    def fresh(cls, train, units, classes, rng):
        columns = list(zip(*(x for x, _ in train)))
        mean = [sum(column) / len(column) for column in columns]
        spread = [
            math.sqrt(sum((x - m) ** 2 for x in column) / len(column))
            for column, m in zip(columns, mean)
        ]

        def layer(rows, inputs):
            # The last weight of a unit is its bias.
            scale = 1 / math.sqrt(inputs)
            return [[rng.gauss(0, scale) for _ in range(inputs)] + [0.0] for _ in range(rows)]

        return cls(mean, spread, layer(units, len(columns)), layer(classes, units))

    def forward(self, x):
        x = [(v - m) / s for v, m, s in zip(x, self.mean, self.spread)]
        h = [math.tanh(sum(w * v for w, v in zip(unit, x)) + unit[-1]) for unit in self.hidden]
        z = [sum(w * v for w, v in zip(unit, h)) + unit[-1] for unit in self.output]
        top = max(z)
        e = [math.exp(v - top) for v in z]
        total = sum(e)
        return x, h, [v / total for v in e]

    def learn(self, batch, rate):
        """One step down the gradient of the cross-entropy."""
        d_hidden = [[0.0] * len(unit) for unit in self.hidden]
        d_output = [[0.0] * len(unit) for unit in self.output]
        for x, y in batch:
            x, h, p = self.forward(x)
            delta = [v - (k == y) for k, v in enumerate(p)]
            for k, d in enumerate(delta):
                for j, v in enumerate(h):
                    d_output[k][j] += d * v
                d_output[k][-1] += d
            for j, v in enumerate(h):
                d = sum(delta[k] * self.output[k][j] for k in range(len(delta))) * (1 - v * v)
                for i, w in enumerate(x):
                    d_hidden[j][i] += d * w
                d_hidden[j][-1] += d
        for weights, slopes in ((self.hidden, d_hidden), (self.output, d_output)):
            for unit, slope in zip(weights, slopes):
                for i, d in enumerate(slope):
                    unit[i] -= rate * d / len(batch)

    def measure(self, flowers):
        """Mean cross-entropy and accuracy."""
        loss = right = 0
        for x, y in flowers:
            p = self.forward(x)[2]
            loss -= math.log(max(p[y], 1e-300))
            right += max(range(len(p)), key=p.__getitem__) == y
        return loss / len(flowers), right / len(flowers)

    def save(self, path):
        with open(path, "w", encoding="ascii") as file:
            json.dump(vars(self), file, indent=1)

    @classmethod
    def load(cls, path):
        with open(path, encoding="ascii") as file:
            return cls(**json.load(file))


def train(args):
    run_id = os.environ.get("MODELDECK_RUN_ID")
    alone = not run_id
    run_id = run_id or uuid.uuid4().hex

    def tell(event, **fields):
        emit(event, run_id=run_id, **fields)

    def talk(text):
        # `modeldeck ingest` takes events only; `run exec` keeps what is said beside them.
        print(text, file=sys.stderr if alone else sys.stdout, flush=True)

    flowers, species = load()
    learned, check, unseen = halves(flowers)
    if alone:
        tell("run", experiment=args.experiment, name=f"iris lr={args.lr}")
    for key in ("lr", "epochs", "hidden", "seed"):
        tell("param", key=key, value=str(getattr(args, key)))
    tell("tag", key="dataset", value="iris")

    rng = random.Random(args.seed)
    network = Network.fresh(learned, args.hidden, len(species), rng)
    talk(f"training on {len(learned)} flowers, checking on {len(check)}")
    for epoch in range(1, args.epochs + 1):
        rng.shuffle(learned)
        for start in range(0, len(learned), BATCH):
            network.learn(learned[start : start + BATCH], args.lr)
        for part, flowers_of_part in (("train", learned), ("val", check)):
            loss, accuracy = network.measure(flowers_of_part)
            tell("metric", key=f"{part}/loss", value=loss, step=epoch)
            tell("metric", key=f"{part}/accuracy", value=accuracy, step=epoch)
        if epoch % 10 == 0:
            talk(f"epoch {epoch}: val loss {loss:.4f}, val accuracy {accuracy:.3f}")
        if args.delay:
            time.sleep(args.delay)

    loss, accuracy = network.measure(unseen)
    tell("metric", key="loss", value=loss, step=args.epochs)
    tell("metric", key="accuracy", value=accuracy, step=args.epochs)

    # Below the working directory a mirror finds it, by the path that is told here.
    out = args.out or os.path.join("models", f"iris-{run_id}.json")
    os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
    network.save(out)
    with open(out, "rb") as file:
        content = file.read()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    path = os.path.relpath(out)
    path = os.path.basename(out) if path.startswith("..") else path
    tell("artifact", path=path, size=len(content), digest=digest)
    talk(f"accuracy {accuracy:.4f} on {len(unseen)} unseen flowers; the model is in {out}")
    if alone:
        tell("end", status="COMPLETED")


def evaluate(args):
    network = Network.load(args.model)
    unseen = halves(load()[0])[2]
    shifted = [(x[:2] + [v * args.shift for v in x[2:]], y) for x, y in unseen]
    numbers = {
        "metric": "accuracy",
        "untouched": network.measure(unseen)[1],
        "shifted": network.measure(shifted)[1],
        "size": len(unseen),
    }
    print(numbers[args.field] if args.field else json.dumps(numbers))


def main():
    parser = argparse.ArgumentParser(description="Trains a small network on the iris data.")
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--hidden", type=int, default=6, help="units of the hidden layer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", help="where the model is saved (models/iris-RUN.json unless given)")
    parser.add_argument("--delay", type=float, default=0, help="seconds to rest after an epoch")
    parser.add_argument("--experiment", default="iris", help="experiment of a run of its own")
    parser.set_defaults(run=train)
    verbs = parser.add_subparsers(title="other verbs")
    verb = verbs.add_parser("evaluate", help="accuracy on the unseen half, untouched and shifted")
    verb.add_argument("model")
    verb.add_argument("--shift", type=float, default=SHIFT, help="how short petals are read")
    verb.add_argument("--field", choices=["untouched", "shifted", "size"], help="this number alone")
    verb.set_defaults(run=evaluate)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        # Whoever read our lines has gone.
        sys.stderr.close()
        sys.exit(1)
