"""`make soak`: long campaigns. The last line of each is one JSON object; exit status 1 on a violation."""

import argparse
import json
import sys
import time

from tests.soak import (
    agreement,
    custody,
    demo,
    headers,
    kill,
    miniscript,
    model,
    policy,
    psbt,
    replay,
    replicas,
    requests,
    spv,
    teams,
    token,
)

CAMPAIGNS = {
    "agreement": agreement,
    "custody": custody,
    "psbt": psbt,
    "miniscript": miniscript,
    "model": model,
    "policy": policy,
    "requests": requests,
    "demo": demo,
    "headers": headers,
    "kill": kill,
    "replay": replay,
    "replicas": replicas,
    "spv": spv,
    "teams": teams,
    "token": token,
}
SHOWN = 5


def run(name: str, n: int | None, seed: int) -> int:
    """One campaign; its number of violations."""
    campaign = CAMPAIGNS[name]
    trials = campaign.FULL if n is None else n
    print(f"{name}: {trials} trials, seed {seed}", flush=True)
    started = time.monotonic()
    violations = campaign.run(trials, seed)
    for each in violations[:SHOWN]:
        print(f"{name}: violated by {each.hex() if isinstance(each, bytes) else each}")
    line = {
        "campaign": name,
        "n": trials,
        "seed": seed,
        "violations": len(violations),
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(line), flush=True)
    return len(violations)


def main() -> int:
    """The campaign named, or all."""
    parser = argparse.ArgumentParser(description="Long campaigns.")
    parser.add_argument("--campaign", choices=sorted(CAMPAIGNS))
    parser.add_argument("--n", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    names = [given.campaign] if given.campaign else list(CAMPAIGNS)
    return 1 if sum(run(name, given.n, given.seed) for name in names) else 0


if __name__ == "__main__":
    sys.exit(main())
