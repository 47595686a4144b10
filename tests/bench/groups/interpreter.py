"""Transitions per processor-second of the states language alone, with history events."""
from report import program, row


def run(_runs):
    figures = program("asl")
    row("asl: transitions, Pass chain", figures["pass_per_s"], "1/s", least=1_000_000)
    row("asl: transitions, Choice and Pass loop", figures["loop_per_s"], "1/s", least=1_000_000)
    row("asl: item transitions, Map of 1,000", figures["items_per_s"], "1/s", least=500_000)
    row("asl: ten states with 200 KB (with 200 bytes)", figures["large_us"], "us", figures["small_us"], most=2)
