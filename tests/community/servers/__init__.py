"""The community on real processes: a broker, a gateway with a clock that the run sets, a relay and six services."""
