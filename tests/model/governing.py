"""The one change of policy in the model: the rollup gets another name, its magic stays."""

from functools import cache

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import policy_pb2 as pb
from signer.bitcoin.hashes import sha256
from signer.core.acts import ApprovePolicy
from tests.kernel.governed import ADA, BOB, SECRETARY
from tests.model.driver import Driver

HOUR = 3_600
DELAY = 49 * HOUR
"""After which a looser policy is in force; [governance] says 48 hours."""


@cache
def renamed(policy: bytes) -> bytes:
    """The next version."""
    return policy.replace(b"[rollups.main]", b"[rollups.other]").replace(
        b"version = 1\n", b"version = 2\n"
    )


def rename_rollup(driver: Driver) -> None:
    """At every member that runs; two days later it is in force, at those that could record it."""
    content = renamed(driver.shape.policy)
    for name in sorted(driver.running):
        asked = pb.ProposePolicyRequest(policy=content)
        driver.call(name, asked, pb.ProposePolicyResponse, SECRETARY)
        for officer in (ADA, BOB):
            act = ApprovePolicy(sha256(content), sha256(driver.shape.policy), 2)
            said = officer.says(act, driver.now + HOUR)
            signed = ap.OfficerAct(
                text=said.text, officer_key=said.officer, signature=said.signature
            )
            request = pb.ApprovePolicyRequest(act=signed)
            driver.call(name, request, pb.ApprovePolicyResponse, SECRETARY)
    driver.team.time.moment += DELAY
