"""Writes taxi-like rows: make_data.py FILE [ROWS] [SEED]. The fare follows from distance, duration and passengers, with
some noise; a few rows are as broken as real ones are."""
import csv
import random
import sys

COLUMNS = ["VendorID", "lpep_pickup_datetime", "lpep_dropoff_datetime", "passenger_count", "trip_distance",
           "PULocationID", "DOLocationID", "payment_type", "fare_amount", "tip_amount", "total_amount"]


def row(chance):
    distance = round(chance.lognormvariate(0.8, 0.7), 2)
    minutes = max(1, round(distance * chance.uniform(3, 6) + chance.uniform(0, 4)))
    start = chance.randrange(24 * 60)
    end = start + minutes
    passengers = chance.choice([1, 1, 1, 1, 2, 2, 3, 5])
    fare = round(2.5 + 2.5 * distance + 0.35 * minutes + chance.gauss(0, 0.4), 2)
    tip = round(fare * chance.choice([0, 0, 0.1, 0.2]), 2)

    def stamp(minute):
        day = 1 + minute // (24 * 60)
        return f"2019-06-{day:02d} {minute // 60 % 24:02d}:{minute % 60:02d}:00"

    return [chance.choice([1, 2]), stamp(start), stamp(end), passengers, distance, chance.randrange(1, 264),
            chance.randrange(1, 264), 1 if tip else 2, fare, tip, round(fare + tip + 0.8, 2)]


def main():
    path = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    chance = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 7)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(count):
            cells = row(chance)
            if number % 500 == 499:
                cells[8] = cells[10] = -1  # a voided trip
            writer.writerow(cells)


if __name__ == "__main__":
    main()
