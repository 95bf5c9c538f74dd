"""Miniscript (BIP-379) in P2WSH and tapscript: text, types, limits, script, satisfactions, ways to spend."""
