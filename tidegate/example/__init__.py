"""The example that `tidegate demo` runs: a Compose file, one service for both engines, and the image it needs on Docker.

`compose.yaml` is the same for Docker and the embedded engine; its command `tidegate-demo-service` is `service.sh` inside
the image and `service.py` as a local process.
"""
