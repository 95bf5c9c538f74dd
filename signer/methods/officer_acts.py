"""An officer's act on the wire."""

from pegwarden.v1 import approval_pb2 as pb
from signer.core.acts import SignedAct
from signer.core.officers import claimed_act


def signed_act(act: pb.OfficerAct) -> SignedAct:
    """The claim in the form that goes on record. Raises Malformed `officer-signature-malformed`."""
    return claimed_act(act.text, act.officer_key, act.signature)
