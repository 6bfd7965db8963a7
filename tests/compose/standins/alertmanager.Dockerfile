# Stands in for the official image of Alertmanager: the program of Debian's package.
FROM docker.io/library/python:3.11-slim AS package
WORKDIR /package
RUN apt-get update -qq && apt-get download -qq prometheus-alertmanager && dpkg-deb --extract prometheus-alertmanager_*.deb .

FROM docker.io/library/python:3.11-slim
COPY --from=package /package/usr/bin/prometheus-alertmanager /bin/alertmanager
COPY --from=package /package/usr/share/prometheus/alertmanager /usr/share/prometheus/alertmanager
RUN mkdir /alertmanager && chown 65534 /alertmanager
WORKDIR /alertmanager
VOLUME /alertmanager
USER 65534
ENTRYPOINT ["/bin/alertmanager"]
