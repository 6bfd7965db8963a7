"""Between Kafka and a log on Redis: commands go to Kafka, events and tables come back as views. Knows no Faust.

The log is the same as where Redis is the broker, so whoever reads snapshots, rankings, feeds and committed offsets
there need not know which broker the workers are on. Here alone (and in Faust's own driver) aiokafka is used.
"""
