"""Random histories against the second gate of the keystore (`make soak SOAK=custody`).

`coins` builds honest spends and knows what truly leaves by any; `lies` makes a core lie about them; `member`
is a vault key with its ledger, a journal and a machine; `books` says what may never be; `life` draws the
steps; `canaries` looks for secrets where none may be; `plants` are bugs that must be found.
"""
