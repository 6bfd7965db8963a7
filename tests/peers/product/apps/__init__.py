"""The product's job as each peer's user would write it in an afternoon.

All peers share `rules`. Each module adds only its storage. A module runs in its peer's environment, which has this
package and `tests.peers.apps.job`, and nothing else of the project.
"""
