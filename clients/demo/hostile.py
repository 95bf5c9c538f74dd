"""The hostile part: every attack is tried on every kernel, and each must refuse it with its code.

1. Before and after the attacks every kernel would sign the good draft: what is refused is refused for what
   was changed, and no hostile request makes the honest one impossible.
2. After them the good draft is signed, broadcast and confirmed.
"""

from collections.abc import Callable
from functools import partial

from clients.demo.attacks import ATTACKS, Attack
from clients.demo.narrator import Narrator, Unexpected, expect
from clients.demo.scene import VAULT, Scene
from clients.demo.story import expect_good
from clients.member import Member, Refused
from pegwarden.v1 import kernel_pb2


def refusal_of(ask: Callable[[], object], story: str) -> Refused:
    """The refusal. Raises Unexpected when the kernel did it."""
    try:
        ask()
    except Refused as refused:
        return refused
    raise Unexpected(f"{story}: the kernel did it")


def attack(scene: Scene, each: Attack, narrator: Narrator) -> None:
    """One attack on every kernel."""
    draft = each.draft(scene)
    said = []
    for kernel in scene.cast.kernels:
        sign = partial(scene.cast.relayer.federation.sign, kernel, draft)
        refused = refusal_of(sign, each.story)
        expect(
            refused.code == each.code,
            f"{each.story}: {kernel.name} said {refused}, not {each.code}",
        )
        said.append(refused)
    narrator.refused(each.story, tuple(said))


def attack_all(scene: Scene, narrator: Narrator) -> str:
    """All attacks; then the good draft goes through. Its txid."""
    for each in ATTACKS:
        attack(scene, each, narrator)
    expect_good(scene.cast, scene.good)
    txid = scene.cast.relayer.finish(scene.good)
    scene.cast.node.mine(1)
    scene.cast.relayer.follow(txid, 1, 10)
    narrator.step(f"after all that the honest withdrawal goes through: {txid}")
    return txid


def wrong_requests(scene: Scene, narrator: Narrator) -> None:
    """A field of a newer client, of which nothing may be skipped; a vault that nobody registered."""
    request = kernel_pb2.SignPsbtRequest(vault_id=VAULT, psbt=scene.good.psbt)
    newer = kernel_pb2.SignPsbtRequest.FromString(request.SerializeToString() + b"\xfa\x3f\x01x")
    another = kernel_pb2.SignPsbtRequest(vault_id="another", psbt=scene.good.psbt)
    kernel = scene.cast.kernels[0]
    _refused_request(kernel, newer, ("an unknown field", "request-malformed"), narrator)
    _refused_request(kernel, another, ("an unknown vault", "vault-unknown"), narrator)


def wrong_callers(scene: Scene, indexer: Member, stranger: Member, narrator: Narrator) -> None:
    """Somebody with another role, and somebody whom the configuration no longer names."""
    request = kernel_pb2.SignPsbtRequest(vault_id=VAULT, psbt=scene.good.psbt)
    _refused_request(indexer, request, ("an indexer", "role-not-allowed"), narrator)
    _refused_request(stranger, request, ("a former relayer", "caller-unknown"), narrator)


def _refused_request(
    kernel: Member,
    request: kernel_pb2.SignPsbtRequest,
    expected: tuple[str, str],
    narrator: Narrator,
) -> None:
    story, code = expected
    refused = refusal_of(partial(kernel.ask, request, kernel_pb2.SignPsbtResponse), story)
    expect(refused.code == code, f"{story}: {refused}, not {code}")
    narrator.refused(story, (refused,))
