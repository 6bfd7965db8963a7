"""What operators look at: rules and dashboards, made from the code here, and their run on a real Prometheus."""
