"""How results are served: a scored file, a service, alerts to people, and a load on them."""
