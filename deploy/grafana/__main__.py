"""Writes every dashboard from its description: `python -m deploy.grafana`."""

from deploy.grafana import DASHBOARDS, described, rendered, sources


def main() -> None:
    """Write them; one whose description is gone goes too."""
    written = {DASHBOARDS / f"{path.stem}.json": rendered(described(path)) for path in sources()}
    for gone in set(DASHBOARDS.glob("*.json")) - set(written):
        gone.unlink()
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
