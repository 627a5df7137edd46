"""Rules of the form "when this, then that": their terms, and what follows from what is seen."""
