"""What people look at: the built-in live page, Grafana's dashboards, the scorecard."""

PAGE_URL = "http://127.0.0.1:8080"
"""Where the page is on the machine that serves it; a command's help needs it, and no board."""
