"""Write what agents produced together with their offsets: pending writes, the offset tracker, the committer."""
