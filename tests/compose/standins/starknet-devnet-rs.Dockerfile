# Stands in for the official image of starknet-devnet: the program built from its crate.
FROM docker.io/library/python:3.11-slim
COPY starknet-devnet /usr/local/bin/starknet-devnet
USER 999
ENTRYPOINT ["starknet-devnet"]
