"""Compile the Cairo contracts with tools of the package registries. The compiled classes are committed.

`python3 deploy/bootstrap.py contracts` compiles them into `contracts/artifacts`; `… contracts --check`
compares them with the sources. The versions of all tools are fixed, and each download is checked against a digest.
"""
