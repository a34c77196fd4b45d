"""What Segue learns in the worlds, measured. One file per part; a part is a function that plays and gives figures."""
