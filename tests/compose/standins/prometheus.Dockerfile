# Stands in for the official image of Prometheus: the program of Debian's package.
FROM docker.io/library/python:3.11-slim AS package
WORKDIR /package
RUN apt-get update -qq && apt-get download -qq prometheus && dpkg-deb --extract prometheus_*.deb .

FROM docker.io/library/python:3.11-slim
COPY --from=package /package/usr/bin/prometheus /bin/prometheus
RUN mkdir /prometheus && chown 65534 /prometheus
WORKDIR /prometheus
VOLUME /prometheus
USER 65534
ENTRYPOINT ["/bin/prometheus"]
