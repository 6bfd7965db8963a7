"""Connect Kafka to a log on Redis: send commands to Kafka, and copy events and tables back as views. Imports no Faust.

The log has the same form as on Redis. Readers of snapshots, rankings, feeds and committed offsets therefore do not
depend on the broker of the workers. Only this package and Faust's own driver use aiokafka.
"""
