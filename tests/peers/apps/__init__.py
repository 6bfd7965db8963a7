"""The job as each peer writes it.

Each module runs in that peer's environment, which has this package and nothing else of the project.
"""
