# Stands in for the official image of Jaeger: the program built from its Go module, which has no files of the pages.
FROM scratch
COPY jaeger /cmd/jaeger/jaeger-linux
USER 10001
ENTRYPOINT ["/cmd/jaeger/jaeger-linux"]
