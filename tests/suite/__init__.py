"""The tests of the suite itself: what runs, in which order, and that nothing is left behind."""
