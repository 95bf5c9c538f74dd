"""The gauges of the kernel's own chain of headers, from what GetStatus says of it."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from pegwarden.v1 import header_chain_pb2 as pb


def chain_gauges(chain: pb.GetTipResponse, now: int) -> Iterator[GaugeMetricFamily]:
    """At that effective time. A source that brought nothing yet has height 0, and no seconds."""
    for name, text, value in (
        ("fresh", "1 while decisions may rest on the chain, else 0", not chain.stale),
        ("tip_height", "Height of the best chain's tip", chain.height),
        ("vouched_height", "Highest header for which enough sources vouch", chain.vouched_height),
        ("tip_age_seconds", "Since the tip's median time", now - chain.median_time_unix),
        ("since_seconds", "Since the tip moved, by the kernel's time", now - chain.since_unix),
    ):
        yield GaugeMetricFamily(f"pegwarden_chain_{name}", text, value=value)
    height, seconds, equivocations = (
        GaugeMetricFamily(f"pegwarden_header_source_{name}", text, labels=("source",))
        for name, text in (
            ("height", "Height of the header that a source vouches for"),
            ("seconds", "Since a source brought that header, or brought it again"),
            ("equivocations", "Times that a source went over to a branch with no more work"),
        )
    )
    for source in chain.sources:
        height.add_metric((source.name,), source.height)
        equivocations.add_metric((source.name,), source.equivocations)
        if source.brought_unix:
            seconds.add_metric((source.name,), now - source.brought_unix)
    yield from (height, seconds, equivocations)
