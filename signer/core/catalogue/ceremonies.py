"""Ceremonies, key records and registrations (signer/ceremony, signer/core/keyrecord and registration)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_C = CodeKind.SETUP
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    CodeEntry(
        "ceremony-malformed",
        _C,
        _OPERATOR,
        "A file of a key ceremony is the text that `pegwarden key ceremony` writes.",
        "Take the file again from whoever made it; none is edited by hand.",
    ),
    CodeEntry(
        "ceremony-incomplete",
        _C,
        _OPERATOR,
        "A round holds one commitment of each contributor, the machine's among them, and all are opened.",
        "Collect what the refusal names, or begin a new ceremony without that contributor.",
    ),
    CodeEntry(
        "ceremony-entropy-weak",
        _C,
        _OPERATOR,
        "What a contributor drew passes the health tests of SP 800-90B, section 4.4.",
        "Draw again; if it happens twice, the source is broken: take another one.",
    ),
    CodeEntry(
        "ceremony-commitment-differs",
        _C,
        _OPERATOR,
        "A contributor opens what was committed to, for the round in which it was.",
        "Ask that contributor for the right opening; if it cannot be had, begin a new ceremony.",
    ),
    CodeEntry(
        "ceremony-seed-differs",
        _C,
        _OPERATOR,
        "The openings of a transcript derive to the public key in it.",
        "Do not use that key: the machine that made it did not use what was contributed.",
    ),
    CodeEntry(
        "ceremony-unwitnessed",
        _C,
        _OPERATOR,
        "Every witness that a transcript names has signed it.",
        "Have the missing witnesses sign the transcript, or find out why they do not.",
    ),
    CodeEntry(
        "ceremony-words-unavailable",
        _C,
        _OPERATOR,
        "Words of BIP-39 need the extra `ceremony`, and are 24 with a right checksum.",
        "Install the locked requirements of the extra, or write the digits down; correct the word.",
    ),
    CodeEntry(
        "key-record-malformed",
        _C,
        _OPERATOR,
        "A key record is the text that `pegwarden key record make` writes.",
        "Ask that member for the record again.",
    ),
    CodeEntry(
        "key-record-unproven",
        _C,
        _OPERATOR,
        "A member's record is signed by the key that it names, and by the member's log key.",
        "Do not list that key: have the member make the record anew where the key is.",
    ),
    CodeEntry(
        "key-record-missing",
        _C,
        _OPERATOR,
        "The keys and witnesses of a vault are those of the records, one record for each member.",
        "Find out with the members whose key the policy lists; nobody signs before that is known.",
    ),
    CodeEntry(
        "vault-registration-unsigned",
        _C,
        _OPERATOR,
        "Every member of a vault has signed its registration, as this policy and these records make it.",
        "Collect the missing signatures; where one differs, compare policy and records by voice.",
    ),
)
