"""The layers of the kernel in reading order, and how many code lines each may have (`scripts.review_lines`).

TRUST_PATH is what one SignPsbt passes; APART is the rest of the kernel. Together they name every file.
"""

from dataclasses import dataclass
from pathlib import Path

from scripts.code_scan import ROOT, python_files


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of the kernel and how large it may be."""

    name: str
    budget: int
    files: tuple[str, ...]
    """`folder: module module` in reading order, or `folder/` for all Python files below it."""

    def paths(self) -> tuple[Path, ...]:
        """The files."""
        found: list[Path] = []
        for line in self.files:
            folder, colon, modules = line.partition(":")
            found += [ROOT / folder / f"{module}.py" for module in modules.split()]
            found += () if colon else python_files(folder)
        return tuple(found)


TRUST_PATH = (
    Layer(
        "the line",
        720,
        ("signer: kernel sign_request spend_words", "signer/ports/", "signer/core: spend"),
    ),
    Layer(
        "claims",
        980,
        (
            "signer/bitcoin/psbt: __init__ reader maps version_0 version_2 fields values model writer",
            "signer/core: payment evidence words",
        ),
    ),
    Layer(
        "facts", 950, ("signer/core: vault registry places verify inputs outputs digests standard",)
    ),
    Layer(
        "consent",
        820,
        (
            "signer/core: view question pins anchors sweeps clocks holds freeze",
            "signer/core: proven_coins chain_word",
            "signer/core: universal_rules recall approve",
        ),
    ),
    Layer(
        "agreement: what the witnesses stand behind",
        300,
        ("signer/core/agreement: __init__ claim rules machine notices", "signer/core: witnesses"),
    ),
    Layer(
        "record",
        2_000,
        (
            "signer/journal: record writer work decide budget settlements overdue gate entry codec",
            "signer/journal: claims_codec fold fold_versions undo claims database sqlite_tables",
            "signer/journal: sqlite_store store",
            "signer/journal: log growth tiles merkle note",
        ),
    ),
    Layer("signature", 460, ("keystore: gate file_keystore vault_key derive secret",)),
    Layer("signature: by a token", 360, ("keystore/token: gate pinned_key links questions",)),
    Layer(
        "signature: the second gate", 460, ("keystore: second_gate leaving ledger shadows caps",)
    ),
    Layer(
        "bitcoin",
        850,
        (
            "signer/bitcoin: units codec hashes transaction script secp keys sighash",
            "signer/bitcoin: taproot taproot_sighash previous",
        ),
    ),
)
APART = (
    Layer(
        "door", 2_130, ("signer: __init__ handle wire wire_signing wire_answers", "signer/methods/")
    ),
    Layer("words", 3_450, ("signer/core: __init__ caller errors stated", "signer/core/catalogue/")),
    Layer(
        "edge and configuration",
        2_260,
        (
            "signer/edge/",
            "signer: config config_chain config_processes config_token toml_table",
            "signer: read_member member_files opening charged compose front custody",
        ),
    ),
    Layer("edge, kernel and keepers as processes", 660, ("signer/link/", "signer/process/")),
    Layer(
        "construction and extraction",
        950,
        (
            "signer/core: drafts construct construct_deposit extract opreturn",
            "signer/bitcoin/psbt: combine convert",
            "signer/bitcoin: coinselect",
            "signer: consensus",
        ),
    ),
    Layer("proofs of inclusion", 200, ("signer/bitcoin: merkle inclusion merkle_block",)),
    Layer(
        "headers on record",
        430,
        (
            "signer/journal: header_record header_chain header_keeper header_dispute header_audit",
            "signer/journal: tables_headers",
        ),
    ),
    Layer(
        "headers",
        480,
        (
            "signer/bitcoin: header target tail chain_rules network_rules chain header_record",
            "signer/bitcoin: checkpoint best_chain burial",
            "signer/core: freshness",
        ),
    ),
    Layer(
        "proven deposits",
        630,
        (
            "signer/core: proven deposits",
            "signer: wire_proofs deposits",
            "signer/journal: deposits_codec fold_deposits reading_deposits tables_deposits undone",
            "keystore: attestation",
        ),
    ),
    Layer("standardness of inputs", 300, ("signer/core: standard_inputs standard_script",)),
    Layer(
        "registration",
        1_200,
        (
            "signer/bitcoin: __init__ errors network base58 bech32 address",
            "signer/bitcoin/descriptor/",
            "signer/core: quorums",
        ),
    ),
    Layer(
        "miniscript",
        1_700,
        (
            "signer/bitcoin/miniscript: __init__ model locks rope parse text types sane encode",
            "signer/bitcoin/miniscript: witnesses satisfy witness_size ways",
            "signer/bitcoin/miniscript: exactly execution limits backwards decode",
        ),
    ),
    Layer("scripts explained", 300, ("signer/core: candidate script_report",)),
    Layer(
        "policies: the language and what it decides",
        3_120,
        (
            "policies: __init__ source document fields literals arguments groups expression parser",
            "policies: define definitions governance_table vault_tables blocks fallback ways load loaded",
            "policies: burials vault_entry",
            "policies/predicates/",
        ),
    ),
    Layer(
        "policies: explained and analysed",
        4_080,
        (
            "policies: universal explain explain_json explain_names explain_vault explain_ways trace",
            "policies: proquint example example_fields example_phrases example_spend example_table",
            "policies/analysis/",
        ),
    ),
    Layer(
        "officers and change control",
        2_300,
        (
            "signer/core: moments acts acts_fields acts_payments acts_policy",
            "signer/core: ssh ssh_signature officers notices",
            "signer/core: governance governance_codec policy_steps",
            "signer: proposals approvals policy_changes policy_status shelf genesis descent",
            "signer/journal: notices_codec fold_notices noting reading_notices",
        ),
    ),
    Layer(
        "control, heads and clock",
        1_000,
        (
            "signer/core: acts_control control control_codec",
            "signer: clock control control_words readiness ticker",
            "signer/journal: head_file heads fold_control tables_control",
        ),
    ),
    Layer(
        "agreement: messages, logs of others, start",
        2_880,
        (
            "signer/core/agreement: claim_codec messages",
            "signer: start importing witness witness_words heard_grants cosigning",
            "signer: vouching vouching_words",
            "signer/journal: agreement_codec bearing reading_agreement fold_agreement tables_agreement",
            "signer/journal: members tables_members followed following verdicts settling starting",
            "signer/journal: hearing judging forks second_hand pace reopening copies",
        ),
    ),
    Layer(
        "closing and striking",
        640,
        (
            "signer/core: release release_proof released",
            "signer: releases",
            "signer/journal: release_codec reading_release fold_release tables_release",
        ),
    ),
    Layer(
        "audit: proofs, receipts, exported logs",
        600,
        (
            "signer/core: receipt",
            "signer/journal: proofs cosignature exported offline proof_file",
        ),
    ),
    Layer(
        "PostgreSQL, migrations, places",
        500,
        ("signer/journal: postgres_schema postgres_session postgres_store migrations place",),
    ),
    Layer(
        "replay",
        890,
        (
            "signer/replay: __init__ record asked court keys journal chain bench deeds officers",
            "signer/replay: differences run",
        ),
    ),
    Layer(
        "journal, beside recording",
        1_230,
        (
            "signer/journal: __init__ audit journal room reading reading_pins schema",
            "signer/journal: tables_record tables_notices",
            "signer/core: evidence_codec chain_word_codec proof_codec fields",
        ),
    ),
    Layer(
        "keystore, beside signing",
        620,
        ("keystore: __init__ header identity officer_key passphrase sealed selftest",),
    ),
    Layer(
        "the room: what a kernel's process can still do", 550, ("signer/room/", "keystore: arena")
    ),
    Layer(
        "keys in a token",
        800,
        (
            "keystore/token: __init__ names cryptoki attributes keeper doctor",
            "keystore: hsm_sealed",
        ),
    ),
    Layer(
        "ceremonies, key records, rehearsals",
        850,
        (
            "signer/ceremony/",
            "signer/core: keyrecord registration rehearsal",
            "keystore: possession backup_proof ledger_fold",
        ),
    ),
    Layer("command line", 7_300, ("signer: __main__", "signer/cli/")),
)
