"""Output descriptors (BIP-379 to 383, 386 to 389): a vault's scripts and how they are spent."""

from signer.bitcoin.descriptor.checksum import strip_checksum, with_checksum
from signer.bitcoin.descriptor.derive import derive
from signer.bitcoin.descriptor.keys import DescriptorKey, parse_key_information
from signer.bitcoin.descriptor.model import (
    DerivedKey,
    DerivedLeaf,
    DerivedScript,
    Descriptor,
    KeyExpression,
    Tr,
    Wsh,
    is_fixed,
)
from signer.bitcoin.descriptor.parse import (
    parse_descriptor,
    parse_template,
    refuse_related_keys,
)
from signer.bitcoin.descriptor.paths import (
    SpendingPath,
    federation_keys,
    key_places,
    spending_paths,
)
from signer.bitcoin.descriptor.satisfy import input_weight, satisfaction
from signer.bitcoin.descriptor.text import canonical_text

__all__ = [
    "DerivedKey",
    "DerivedLeaf",
    "DerivedScript",
    "Descriptor",
    "DescriptorKey",
    "KeyExpression",
    "SpendingPath",
    "Tr",
    "Wsh",
    "canonical_text",
    "derive",
    "federation_keys",
    "input_weight",
    "is_fixed",
    "key_places",
    "parse_descriptor",
    "parse_key_information",
    "parse_template",
    "refuse_related_keys",
    "satisfaction",
    "spending_paths",
    "strip_checksum",
    "with_checksum",
]
