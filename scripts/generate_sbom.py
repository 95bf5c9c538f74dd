"""Makes `deploy/sbom.cdx.json`, a CycloneDX 1.6 bill of materials, from the hash-locked requirements. With
`--compare` writes nothing and fails on any difference.

1. What is listed is what `pip install --require-hashes` accepts, and nothing else: each name, version and
   hash of `requirements/runtime.txt`; what `requirements/postgres.txt` adds is optional.
2. It has no time and no random number: the same locks give the same bytes.
3. What wheels carry inside (libsecp256k1, Bitcoin Core's consensus code, BoringSSL, OpenSSL, libpq) is
   covered by their hashes and not listed: no lock says their versions.
"""

import json
import re
import sys
import tomllib

from scripts.code_scan import ROOT

TARGET = ROOT / "deploy" / "sbom.cdx.json"
REQUIRED, OPTIONAL = ROOT / "requirements" / "runtime.txt", ROOT / "requirements" / "postgres.txt"
_PIN = re.compile(
    r"^([a-z0-9][a-z0-9.-]*)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n", re.M
)
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
Component = dict[str, object]


def pins(text: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """(name, version) -> SHA-256 of each accepted file. Raises ValueError where a line is something else."""
    left = _PIN.sub("", re.sub(r"^#.*\n", "", text, flags=re.M)).strip()
    if left:
        raise ValueError(f"not a pin with its hashes: {left.splitlines()[0]}")
    return {
        (name, version): tuple(_HASH.findall(hashes))
        for name, version, hashes in _PIN.findall(text)
    }


def _component(name: str, version: str, hashes: tuple[str, ...], scope: str) -> Component:
    reference = f"pkg:pypi/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": reference,
        "name": name,
        "version": version,
        "scope": scope,
        "hashes": [{"alg": "SHA-256", "content": each} for each in hashes],
        "purl": reference,
    }


def bill() -> str:
    """The document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = pins(REQUIRED.read_text())
    optional = {
        pin: hashes for pin, hashes in pins(OPTIONAL.read_text()).items() if pin not in required
    }
    scoped = ((required, "required"), (optional, "optional"))
    parts = [_component(*pin, pinned[pin], scope) for pinned, scope in scoped for pin in pinned]
    itself = f"pkg:pypi/{project['name']}@{project['version']}"
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": itself,
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
                "purl": itself,
            }
        },
        "components": parts,
        "dependencies": [{"ref": itself, "dependsOn": [part["bom-ref"] for part in parts]}],
    }
    return json.dumps(document, indent=1) + "\n"


def main() -> int:
    """Generate, or compare."""
    if "--compare" not in sys.argv[1:]:
        TARGET.write_text(bill())
        return 0
    if TARGET.exists() and TARGET.read_text() == bill():
        return 0
    print(f"{TARGET.relative_to(ROOT)} differs from requirements/: run `make generate`.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
