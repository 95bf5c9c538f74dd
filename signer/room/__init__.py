"""What a process that holds keys can still do: nearly nothing, and irrevocably (docs/room.md)."""
