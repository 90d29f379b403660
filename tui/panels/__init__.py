"""The panels of the studio: NAME.py holds PANEL = a widget class (tui.panel.Panel), NAME.tcss its
looks. `ls` is the list of them."""
