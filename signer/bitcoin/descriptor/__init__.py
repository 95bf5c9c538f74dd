"""Output descriptors (BIP-380 to 383, 386 to 389): a vault's scripts and how they are spent."""

from signer.bitcoin.descriptor.checksum import strip_checksum, with_checksum
from signer.bitcoin.descriptor.derive import derive
from signer.bitcoin.descriptor.model import (
    DerivedKey,
    DerivedLeaf,
    DerivedScript,
    Descriptor,
    KeyExpression,
    KeyOrder,
    MultiA,
    SortedMulti,
    Tr,
    Wsh,
)
from signer.bitcoin.descriptor.parse import (
    canonical_text,
    parse_descriptor,
    parse_key_information,
    parse_template,
)
from signer.bitcoin.descriptor.paths import (
    SpendingPath,
    federation_keys,
    key_places,
    spending_paths,
)
from signer.bitcoin.descriptor.satisfy import input_weight, satisfaction

__all__ = [
    "DerivedKey",
    "DerivedLeaf",
    "DerivedScript",
    "Descriptor",
    "KeyExpression",
    "KeyOrder",
    "MultiA",
    "SortedMulti",
    "SpendingPath",
    "Tr",
    "Wsh",
    "canonical_text",
    "derive",
    "federation_keys",
    "input_weight",
    "key_places",
    "parse_descriptor",
    "parse_key_information",
    "parse_template",
    "satisfaction",
    "spending_paths",
    "strip_checksum",
    "with_checksum",
]
