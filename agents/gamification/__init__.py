"""Gamification: XP, levels, streaks, achievements, boards. `domain` composes the rules; `agent` wires them to Faust."""
