"""A panel with one line."""

from textual.widgets import Static

from latty_tui.panel import Panel


class HintsPanel(Panel, Static):
    """Says where it comes from."""

    PLACE, ORDER, TITLE = "right", 90, "hints"
    HELP = "A panel of another package."

    def on_mount(self) -> None:
        """Its line."""
        self.update("from outside")


PANEL = HintsPanel
