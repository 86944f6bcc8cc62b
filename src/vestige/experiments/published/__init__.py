"""Numbers of the papers, to stand beside those of a run; where they were read, and how sure they are."""
