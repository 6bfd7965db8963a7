"""Gamification: XP, levels, streaks, achievements, leaderboards. `domain` is the whole of it; `agent` wires it."""
