"""What operators look at and decide: the topology, dead letters, the events behind an event or a row."""
