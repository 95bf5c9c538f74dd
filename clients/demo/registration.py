"""A 2-of-4 vault is refused when it is registered: two pairs that share nobody could pay twice."""

from pathlib import Path

from clients.demo.command import REFUSED, pegwarden
from clients.demo.narrator import Narrator, expect
from clients.demo.policy import policy_text
from clients.demo.scene import Cast
from clients.demo.stage import THRESHOLD, House

CODE = "vault-quorums-disjoint"


def two_of_four_refused(cast: Cast, houses: tuple[House, ...], narrator: Narrator) -> None:
    """The federation with a fourth member and still two signatures."""
    xpubs = (*(house.xpub for house in houses), cast.wallet.xpub_text())
    watchers = tuple(each.key.public for each in cast.watchers.attestors)
    policy: Path = cast.burns.with_name("two-of-four.toml")
    policy.write_text(policy_text(THRESHOLD, xpubs, watchers))
    said = pegwarden("policy", "explain", str(policy), status=REFUSED)
    expect(said["code"] == CODE, f"a 2-of-4 vault: {said}")
    expect("pay it again" in said["detail"], f"the double payment is not named: {said['detail']}")
    narrator.told("a 2-of-4 vault", CODE, said["detail"])
