"""The job as each peer writes it. Each module runs in that peer's environment: of the project it has this package."""
