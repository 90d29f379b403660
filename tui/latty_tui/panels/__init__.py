"""The panels of the studio: NAME.py holds PANEL = a widget class (Panel of panel.py), NAME.tcss its
looks. `ls` is the list of them."""
