"""Take part in a consumer group: membership, assignment, fencing, retention."""
