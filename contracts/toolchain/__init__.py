"""Compile the Cairo contracts with tools of the package registries, and keep what they compile to.

`python3 deploy/bootstrap.py contracts` builds the artifacts of `contracts/artifacts`; `… contracts --check` compares
them with the sources. Each tool has an exact version, and what is downloaded has a digest.
"""
