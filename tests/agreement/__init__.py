"""The rules of agreement in small federations of members in memory: searched exhaustively and at random."""
